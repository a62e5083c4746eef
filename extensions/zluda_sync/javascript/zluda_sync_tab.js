// The tab's button on the Modern page: an icon and a tooltip, as its neighbours have. To a tab that it does
// not know that page gives two letters.
(() => {
  const zs = (window.zludaSync ??= {});
  const BUTTON = '#other_extensions button[tabitemid*="tab_zluda_sync"]';

  /** Dress the button, if the page has one that is not dressed yet. */
  zs.dressTab = () => {
    const button = document.querySelector(BUTTON);
    const letters = button?.querySelector('.icon-letters');
    if (!letters) return;
    letters.className = 'mask-icon zs-tab-icon';
    letters.textContent = '';
    button.title = zs.t('tab.what');
    const name = button.querySelector('span');
    if (name) zs.setText(name, 'ZLUDA Sync');
  };
})();
