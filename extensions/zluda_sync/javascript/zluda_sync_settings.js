// Our section of SD.Next's Settings in the page's language: SD.Next's dictionaries do not have its words.
(() => {
  const zs = (window.zludaSync ??= {});
  const OWN = /^(?:heading_)?zluda_sync_/;

  const SOON_MS = 200;

  const originals = new WeakMap(); // by text node: what SD.Next wrote, and what stands there instead
  const languages = new WeakMap(); // by setting: the language that all of it is in; none once it changes
  let hasTranslated = false;

  function translate(node) {
    const known = originals.get(node);
    const isAsKnown = known?.shown === node.nodeValue;
    if (isAsKnown && known.language === zs.language()) return;
    const english = isAsKnown ? known.english : node.nodeValue;
    const shown = english.replace(english.trim(), () => zs.said(english.trim()));
    originals.set(node, { english, shown, language: zs.language() });
    if (shown !== node.nodeValue) node.nodeValue = shown;
  }

  const forget = (changes) => changes.forEach(({ target }) => languages.delete(findSetting(target)));
  const watcher = new MutationObserver((changes) => {
    forget(changes);
    setTimeout(zs.translateSettings, SOON_MS); // not at once: others may translate the page, too
  });
  const isOwn = (id) => id?.startsWith('setting_') && OWN.test(id.slice('setting_'.length));
  function findSetting(node) {
    for (let one = node; one; one = one.parentNode) if (isOwn(one.id)) return one;
    return node;
  }

  function translateAll(setting) {
    forget(watcher.takeRecords()); // what came before is in the walk
    const walker = document.createTreeWalker(setting, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (walker.currentNode.nodeValue.trim()) translate(walker.currentNode);
    watcher.takeRecords(); // our own changes
    watcher.observe(setting, { childList: true, characterData: true, subtree: true });
    languages.set(setting, zs.language());
  }

  /**
   * Translate what has come since, and anew after a change of the language. Called with each change of the
   * page, which has tens of thousands of elements: so each setting is asked for by its id, and one that is as
   * it was left is not looked through.
   */
  zs.translateSettings = () => {
    const language = zs.language();
    if (!zs.words[language].said && !hasTranslated) return; // it stands there as SD.Next wrote it
    hasTranslated = true;
    for (const name of Object.keys(window.opts ?? {})) {
      if (!OWN.test(name)) continue;
      for (const setting of document.querySelectorAll(`#setting_${CSS.escape(name)}`)) { // there may be two
        if (languages.get(setting) !== language) translateAll(setting);
      }
    }
  };
})();
