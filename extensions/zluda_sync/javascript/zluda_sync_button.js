// Generate while a job runs: the time left is always whole. What gives way is the name of the phase.
(() => {
  const zs = (window.zludaSync ??= {});
  const TABS = ['txt2img', 'img2img', 'control', 'extras', 'video', 'framepack'];
  const FRAME_PADDING_PX = 6;
  /** What SD.Next writes: the label, a percent if there is one, and the time left or a word in its place. */
  const WRITTEN = /^(.+?) ((?:\d+% )?(?:Paused|Finishing|Start|(?:\d+m )?\d+s|\d+:\d\d(?::\d\d)?))$/;

  /** Beside a percent SD.Next says Start of a time that it was not told. */
  const FIGURES = /^\d+% (?:~?(?:\d+m )?\d+s|Start)$/;

  /**
   * Label and figures of the newest status, as SD.Next would write them: it asks at times of its own, and the
   * bar beside it would say something else. What SD.Next has written, where there is no newer one.
   */
  function newest(what, left) {
    const job = zs.freshJob();
    const seconds = Math.round(job?.eta_s ?? Number.NaN);
    if (!job || job.is_paused || !FIGURES.test(left) || Number.isNaN(seconds)) return [what, left];
    const time = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
    const about = job.is_eta_guessed ? '~' : ''; // it counts on what was never seen
    return [job.label, `${Math.min(99, Math.round(100 * job.fraction))}% ${about}${time}`];
  }

  /** The element with the words: the button, or on the Modern page the span in it that is shown. */
  function findWords(button) {
    if (!button.closest('.sd-button')) return button;
    return [...button.children].find((child) => child.matches('span:not(.zs-what, .zs-left)')) ?? null;
  }

  const written = new WeakMap(); // by the element with the words: what was last written into it
  const dressed = new WeakMap(); // by the same: our elements in it, and the words that they were fitted for

  function dress(words) {
    const [what, left] = newest(...written.get(words));
    // Once the status tells of no job any more, what SD.Next wrote before would be a step back.
    written.set(words, [what, left]);
    const isWaiting = what === 'Queued' && left === 'Start'; // nothing starts: another job runs
    const texts = isWaiting ? [] : left.split(' ').map(zs.said);
    const said = zs.said(left.endsWith('Paused') ? what.replace(/^Paused: /, '') : what);
    let own = dressed.get(words);
    if (own?.shown.children.length !== texts.length) {
      const parts = texts.map(() => zs.el('span', { class: 'zs-unbroken' }));
      const shown = zs.el('span', { class: 'zs-left' }, ...parts.flatMap((part) => [part, ' ']).slice(0, -1));
      own = { name: zs.el('span', { class: 'zs-what' }), shown, fittedFor: null };
      dressed.set(words, own);
    }
    const { name, shown } = own;
    if (shown.parentNode !== words) words.replaceChildren(name, ' ', shown);
    [...shown.children].forEach((part, index) => zs.setText(part, texts[index]));
    zs.setText(name, said);
    const fittedFor = [said, ...texts].join(' ');
    const isFitted = own.fittedFor === fittedFor && words.classList.contains('zs-running');
    if (isFitted) return; // to measure costs the page a layout
    own.fittedFor = fittedFor;
    name.title = said;
    name.hidden = false;
    delete name.dataset.short;
    fit(words, name, shown);
    room.observe(words.closest('.sd-button') ?? words);
  }

  /** There is more room, or less: all are fitted anew. */
  const room = new ResizeObserver(() => {
    for (const button of generating) {
      const own = dressed.get(findWords(button));
      if (own) own.fittedFor = null;
    }
    zs.refreshButtons();
  });

  /** What a name may be cut down to: its counts, then the innermost; without one, what goes on. */
  function shorterThan(name) {
    const [, inner] = name.match(/\d+\/\d+[:：]\s*(\D+)$/) ?? [];
    if (inner) return [inner];
    const counts = name.match(/\d+\/\d+/g) ?? [];
    return [...new Set([counts.join(' · '), counts.at(-1)])].filter(Boolean);
  }

  const isCut = (name) => (
    name.scrollHeight > name.clientHeight + 1 || name.scrollWidth > name.clientWidth + 1
  );

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
    // Shown in its place by the style: the whole name stays for screen readers, and for who reads the page.
    const texts = shorterThan(name.textContent);
    while (!name.hidden && texts.length && isCut(name)) name.dataset.short = texts.shift();
  }

  const lineHeightOf = (element) => (
    Number.parseFloat(getComputedStyle(element).lineHeight) || element.offsetHeight
  );

  const generating = new Set(); // the buttons that tell of a job
  /** Whether SD.Next says on this page that a job runs. */
  zs.isGenerating = () => [...generating].some((button) => button.isConnected);

  /** Keep what a button tells; returns whether that is new. */
  function keepGenerating(button, isGenerating) {
    if (generating.has(button) === isGenerating) return false;
    if (isGenerating) generating.add(button);
    else generating.delete(button);
    return true;
  }

  function look(button, changed) {
    const words = findWords(button);
    if (!words || words.querySelector(':scope > .zs-left')) return;
    const [, what, left] = words.textContent.trim().match(WRITTEN) ?? [];
    // Switched off, the button is SD.Next's alone.
    const isOff = zs.currentStatus()?.is_acting === false || window.opts?.zluda_sync_enabled === false;
    if (left && !isOff) {
      written.set(words, [what, left]);
      dress(words);
    } else {
      words.classList.remove('zs-running', 'zs-narrow', 'zs-tiny');
      dressed.delete(words);
    }
    if (keepGenerating(button, Boolean(left))) changed();
  }

  /** There is a newer status than what a button says. */
  zs.refreshButtons = () => {
    for (const button of generating) {
      const words = button.isConnected ? findWords(button) : null;
      if (words?.querySelector(':scope > .zs-left')) dress(words);
    }
  };

  /** Begin with those buttons that have come by now. `changed()`: one begins or ends to tell of a job. */
  zs.watchButtons = (changed = () => {}) => {
    for (const button of TABS.map((tab) => document.getElementById(`${tab}_generate`))) {
      if (!button || button.dataset.zsWatched) continue;
      button.dataset.zsWatched = '';
      new MutationObserver(() => look(button, changed)).observe(button, { childList: true, subtree: true });
    }
  };
})();
