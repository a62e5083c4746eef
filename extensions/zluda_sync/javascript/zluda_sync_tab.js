// The tab's button on the Modern page: an icon and a tooltip, as its neighbours have. To a tab that it does
// not know that page gives two letters.
(() => {
  const zs = (window.zludaSync ??= {});
  const BUTTON = '#other_extensions button[tabitemid*="tab_zluda_sync"]';

  /** Dress the button, if the page has one, in the language that it has by now. */
  zs.dressTab = () => {
    const button = document.querySelector(BUTTON);
    if (!button) return;
    const what = zs.t('tab.what');
    if (button.title !== what) button.title = what;
    const letters = button.querySelector('.icon-letters');
    if (!letters) return;
    letters.className = 'mask-icon zs-tab-icon';
    letters.textContent = '';
    const name = button.querySelector('span');
    if (name) zs.setText(name, 'ZLUDA Sync');
  };
})();
