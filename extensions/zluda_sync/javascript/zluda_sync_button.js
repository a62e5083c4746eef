// Generate while a job runs: the time left is always whole. What gives way is the name of the phase.
(() => {
  const zs = (window.zludaSync ??= {});
  const TABS = ['txt2img', 'img2img', 'control', 'extras', 'video', 'framepack'];
  const FRAME_PADDING_PX = 6;
  /** What SD.Next writes: the label, a percent if there is one, and the time left or a word in its place. */
  const WRITTEN = /^(.+?) ((?:\d+% )?(?:Paused|Finishing|Start|(?:\d+m )?\d+s|\d+:\d\d(?::\d\d)?))$/;

  /** The element with the words: the button, or on the Modern page the span in it that is shown. */
  function findWords(button) {
    if (!button.closest('.sd-button')) return button;
    return [...button.children].find((child) => child.matches('span:not(.zs-what, .zs-left)')) ?? null;
  }

  function dress(words, what, left) {
    const parts = left.split(' ').map((text) => zs.el('span', { class: 'zs-unbroken', text }));
    const shown = zs.el('span', { class: 'zs-left' }, ...parts.flatMap((part) => [part, ' ']).slice(0, -1));
    const name = zs.el('span', { class: 'zs-what', text: what, title: what });
    words.replaceChildren(name, ' ', shown);
    fit(words, name, shown);
  }

  /** One line if both fit; else the time left below, and so much of the name as there is room for above. */
  function fit(words, name, shown) {
    words.classList.remove('zs-narrow', 'zs-tiny');
    words.classList.add('zs-running');
    const frame = words.closest('.sd-button'); // of the Modern page, one line high, which words may outgrow
    if (frame) {
      words.style.maxWidth = `${frame.clientWidth - 2 * FRAME_PADDING_PX}px`;
      return;
    }
    if (name.scrollWidth <= name.clientWidth + 1 && shown.offsetHeight <= lineHeightOf(shown) * 1.5) return;
    words.classList.add('zs-narrow');
    const isTooWide = [...shown.children].some((part) => part.offsetWidth > words.clientWidth);
    if (isTooWide || shown.offsetHeight > words.clientHeight) words.classList.add('zs-tiny');
    const lines = Math.floor((words.clientHeight - shown.offsetHeight) / lineHeightOf(name));
    name.style.setProperty('--zs-lines', String(Math.max(lines, 0)));
    name.hidden = lines < 1;
  }

  const lineHeightOf = (element) => (
    Number.parseFloat(getComputedStyle(element).lineHeight) || element.offsetHeight
  );

  function look(button) {
    const words = findWords(button);
    if (!words || words.querySelector(':scope > .zs-left')) return;
    const [, what, left] = words.textContent.trim().match(WRITTEN) ?? [];
    if (left) dress(words, what, left);
    else words.classList.remove('zs-running', 'zs-narrow', 'zs-tiny');
  }

  /** Begin with those buttons that have come by now. */
  zs.watchButtons = () => {
    for (const button of TABS.map((tab) => document.getElementById(`${tab}_generate`))) {
      if (!button || button.dataset.zsWatched) continue;
      button.dataset.zsWatched = '';
      new MutationObserver(() => look(button)).observe(button, { childList: true, subtree: true });
    }
  };
})();
