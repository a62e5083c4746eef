// The foot of the panel: which version this is, and what it has brought; open by itself after an update.
(() => {
  const zs = (window.zludaSync ??= {});
  const SEEN = 'zluda_sync_version'; // of this browser: the version whose news were seen

  function readSeen() {
    try {
      return localStorage.getItem(SEEN);
    } catch {
      return ''; // a page without storage is told nothing anew
    }
  }

  function keepSeen(version) {
    try {
      localStorage.setItem(SEEN, version);
    } catch { /* then they are told again */ }
  }

  /** Whole sentences of the change log: translated whole or not at all. */
  function buildChange(text) {
    const own = zs.words[zs.language()].said?.[text];
    return zs.el('li', own ? { text: own } : { text, lang: 'en' });
  }

  zs.buildNews = () => {
    const summary = zs.el('summary', { text: zs.t('news.title', { version: '' }) });
    const list = zs.el('ul', {});
    const details = zs.el('details', { class: 'zs-details' }, summary, list);
    const element = zs.el('div', { class: 'zs-card zs-news', hidden: true }, details);

    return {
      element,
      load: async () => {
        const answer = await zs.ask('GET', 'news');
        if (!answer.ok) return;
        const { version, changes } = answer.data;
        zs.setText(summary, zs.t('news.title', { version }));
        list.replaceChildren(...changes.map(buildChange));
        element.hidden = false;
        const seen = readSeen();
        // Who has just installed it has no older version to compare with.
        if (seen && seen !== version) details.open = true;
        keepSeen(version);
      },
    };
  };
})();
