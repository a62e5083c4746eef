// The "explain" link of the settings page leads to the panel, where profiles and their fields are described.
(() => {
  const TITLE = 'ZLUDA Sync';
  const LINK = 'a[href="#zluda-sync-profiles"]';

  const findTab = () => [...document.querySelectorAll('button[role="tab"], .tab-nav > button')]
    .find((tab) => tab.textContent.trim() === TITLE);

  document.addEventListener('click', (event) => {
    if (!event.target.closest?.(LINK)) return;
    event.preventDefault(); // the host goes by the address itself
    findTab()?.click();
    requestAnimationFrame(() => {
      const section = document.querySelector('.zs-profiles');
      section?.scrollIntoView({ block: 'start' });
      section?.querySelector('select')?.focus({ preventScroll: true });
    });
  });
})();
