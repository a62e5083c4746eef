// Our section of SD.Next's Settings in the page's language: SD.Next's dictionaries do not have its words.
(() => {
  const zs = (window.zludaSync ??= {});
  const OWN = '[id^="setting_zluda_sync_"], [id^="setting_heading_zluda_sync_"]';

  const originals = new WeakMap(); // by text node: what SD.Next wrote, and what stands there instead

  function translate(node) {
    const known = originals.get(node);
    const isAsKnown = known?.shown === node.nodeValue;
    if (isAsKnown && known.language === zs.language()) return;
    const english = isAsKnown ? known.english : node.nodeValue;
    const shown = english.replace(english.trim(), () => zs.said(english.trim()));
    originals.set(node, { english, shown, language: zs.language() });
    if (shown !== node.nodeValue) node.nodeValue = shown;
  }

  /** Translate what has come since, and anew after a change of the language. */
  zs.translateSettings = () => {
    for (const setting of document.querySelectorAll(OWN)) {
      const walker = document.createTreeWalker(setting, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) if (walker.currentNode.nodeValue.trim()) translate(walker.currentNode);
    }
  };
})();
