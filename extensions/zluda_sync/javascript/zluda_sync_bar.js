// The wide bar: the whole job in its phases, how long it has taken, when it will be done; between jobs what
// the last one took and what was made today. It stands above the pictures and at the top of the panel.
(() => {
  const zs = (window.zludaSync ??= {});
  const TODAY_LIMIT = 200; // jobs that the server keeps
  const DAY_CHECK_MS = 60000;
  const PLACE_MS = 1000;
  const WORTH_A_CLOCK_S = 60; // of a shorter job the time left says it all

  const WHOLE = { phase: 'whole', role: '', image: 0, share: 1 }; // of a job whose phases are not known

  const timeOfDay = (at) => at.toLocaleTimeString(zs.language(), { hour: '2-digit', minute: '2-digit' });

  /** How long a job has taken until now. */
  zs.timeSpent = ({ elapsed_s: elapsedS }) => (
    zs.t(elapsedS < 1 ? 'bar.elapsed-below' : 'bar.elapsed', { time: zs.wholeTime(elapsedS) })
  );

  /** When a job will be done, in the words of a clock; empty while that is unsure, or it stands still. */
  zs.sayEnd = (job) => {
    const isUnsure = !Number.isFinite(job.eta_s) || (job.eta_low_s ?? null) !== null;
    if (job.is_paused || isUnsure || job.elapsed_s + job.eta_s < WORTH_A_CLOCK_S) return '';
    return zs.t('bar.done-at', { time: timeOfDay(new Date(Date.now() + 1000 * job.eta_s)) });
  };

  /** What a stretch may be called, the longest name first. */
  function namesOf(stretch, images) {
    if (stretch === WHOLE) return [''];
    const phase = zs.phaseOf(stretch.phase, stretch.role);
    return images > 1 ? [zs.t('bar.image', { image: stretch.image + 1, phase }), phase, ''] : [phase, ''];
  }

  /** Write the longest name that there is room for; looked for anew only where names or room have changed. */
  function fitName(name, names) {
    const key = `${names.join()} ${name.clientWidth}`;
    if (name.zsFitted === key) return;
    name.zsFitted = key;
    names.some((text) => {
      zs.setText(name, text);
      return name.scrollWidth <= name.clientWidth;
    });
  }

  /** The stretches of a job side by side, each as wide as it is long; made anew only where they change. */
  zs.buildTrack = () => {
    const element = zs.el('div', {
      class: 'zs-bar', role: 'progressbar', 'aria-label': zs.t('now.bar'),
      'aria-valuemin': '0', 'aria-valuemax': '100',
    });
    let kinds = '';
    let parts = [];
    const fitNames = () => parts.forEach(({ name, names }) => fitName(name, names));
    const room = new ResizeObserver(fitNames);

    function rebuild(stretches) {
      parts = stretches.map((stretch) => {
        const fill = zs.el('span', { class: 'zs-bar-fill' });
        const name = zs.el('span', { class: 'zs-stretch-name' });
        const groove = zs.el('span', { class: 'zs-groove' }, fill);
        const part = zs.el('span', { class: 'zs-stretch', 'data-phase': stretch.phase }, groove, name);
        return { part, fill, name, names: [''] };
      });
      element.replaceChildren(...parts.map(({ part }) => part));
      room.disconnect();
      parts.forEach(({ name }) => room.observe(name));
    }

    return {
      element,
      /** Show a share of the whole, null for none, of a job with such stretches, and in words. */
      show: (share, { stretches, images } = {}, words = '') => {
        const known = stretches?.length ? stretches : [WHOLE];
        const written = known.map(({ phase, role, image }) => `${phase} ${role} ${image}`).join();
        if (written !== kinds) {
          kinds = written;
          rebuild(known);
        }
        let before = 0;
        let hasNewNames = false;
        known.forEach((stretch, index) => {
          const { part, fill } = parts[index];
          const done = Math.min(Math.max(((share ?? 0) - before) / stretch.share, 0), 1);
          before += stretch.share;
          part.style.flexGrow = String(stretch.share);
          fill.style.transform = `scaleX(${done})`;
          const names = namesOf(stretch, images ?? 1);
          hasNewNames ||= names.join() !== parts[index].names.join();
          parts[index].names = names;
          if (part.title !== names[0]) [part.title] = names;
        });
        if (hasNewNames) fitNames(); // all widths are known now; to ask for them costs the page a layout
        if (share === null) element.removeAttribute('aria-valuenow');
        else element.setAttribute('aria-valuenow', String(Math.round(100 * share)));
        element.setAttribute('aria-valuetext', words);
        element.setAttribute('aria-label', zs.t('now.bar'));
      },
    };
  };

  /** A bar. `update(status)` takes an answer of status, null while SD.Next does not answer. */
  zs.buildBar = () => {
    const label = zs.el('span', { class: 'zs-wide-label' });
    const left = zs.el('span', { class: 'zs-wide-left' });
    const spent = zs.el('span', {});
    const end = zs.el('span', {});
    const track = zs.buildTrack();
    const line = zs.el('div', { class: 'zs-wide-line' }, label, left);
    const small = zs.el('div', { class: 'zs-wide-line zs-wide-small' }, spent, end);
    const element = zs.el('div', { class: 'zs-wide' }, line, track.element, small);

    function showJob(job) {
      zs.setText(label, zs.labelOf(job));
      // One figure, as on Generate; the panel tells how unsure it is.
      const eta = zs.timeLeft({ ...job, eta_low_s: null });
      zs.setText(left, [`${Math.round(100 * job.fraction)} %`, eta].filter(Boolean).join(' · '));
      zs.setText(spent, zs.timeSpent(job));
      zs.setText(end, zs.sayEnd(job));
      track.show(job.fraction, job, zs.join(label.textContent, left.textContent));
    }

    function showIdle(isGone) {
      const { last, today } = zs.sumUp();
      zs.setText(label, isGone ? zs.t(zs.whyGone()) : last);
      zs.setText(left, isGone ? '' : today);
    }

    return {
      element,
      update: (status) => {
        const job = status?.job ?? status?.loading ?? null;
        element.dataset.state = job ? 'job' : status ? 'idle' : 'gone';
        // Nothing to say takes no room; the place is still seen, so that the first job is heard of.
        element.hidden = !zs.currentStatus()?.is_acting || (!job && !summary.newest);
        if (job) showJob(job);
        else showIdle(!status);
      },
    };
  };

  let summary = { newest: null, count: 0, wholeS: 0 }; // the last job, and today's
  let summedUp = null; // the newest job, and the day, that the summary is of
  let isAsking = false;

  /** What the last job took, and all of today, in words; empty before there was one. */
  zs.sumUp = () => {
    const { newest, count, wholeS } = summary;
    const last = newest && (newest.duration_s === null
      ? zs.t('bar.last-lost', { at: zs.clock(newest.began_at_s) })
      : zs.t('bar.last', {
        outcome: zs.outcomeOf(newest),
        took: zs.time(newest.duration_s),
        at: zs.clock(newest.began_at_s + newest.duration_s),
      }));
    const values = { count, time: zs.time(wholeS) };
    const today = count ? zs.t(count === 1 ? 'bar.today-one' : 'bar.today', values) : '';
    return { last: last ?? '', today };
  };

  async function refreshSummary() {
    if (isAsking) return;
    isAsking = true;
    const answer = await zs.ask('GET', `jobs?limit=${TODAY_LIMIT}`);
    isAsking = false;
    if (!answer.ok) return;
    const day = new Date().toDateString();
    const over = answer.data.jobs.filter((job) => job.outcome !== 'running');
    const timed = over.filter((job) => job.duration_s !== null); // of one that was lost nobody knows
    const today = timed.filter((job) => new Date(1000 * job.began_at_s).toDateString() === day);
    const wholeS = today.reduce((sum, job) => sum + job.duration_s, 0);
    summary = { newest: over[0] ?? null, count: today.length, wholeS };
    summaryListeners.forEach((listen) => listen());
  }

  // Where it stands above the pictures.
  let shown = null;
  let isInView = false;
  let language = null; // that its words are in
  let placedAt = 0;

  // Also where the extension does not act so far, or was not heard of: it may be tested or started meanwhile.
  const isWanted = () => (window.opts?.zluda_sync_enabled ?? true)
    && (window.opts?.zluda_sync_bar ?? zs.currentStatus()?.page?.bar ?? true);

  /** Where it is to stand, as what comes after it; null where no pictures are seen. */
  function findPlace() {
    for (const tab of zs.pictureTabs) {
      const column = document.getElementById(`${tab}_results`);
      if (zs.isSeen(column)) return [...column.children].find((child) => child !== shown?.element) ?? null;
      // The Modern page has the pictures in a frame, and hides them in it while a preview is shown there.
      const gallery = document.getElementById(`${tab}_gallery`);
      const frame = gallery?.closest('.portal') ?? gallery;
      if (zs.isSeen(frame)) return frame;
    }
    return null;
  }

  function place() {
    placedAt = Date.now();
    const next = isWanted() ? findPlace() : null;
    if (!next) {
      if (shown && !isWanted()) shown.element.remove();
      return;
    }
    if (!shown) {
      shown = zs.buildBar();
      shown.element.classList.add('zs-above');
      new IntersectionObserver((entries) => {
        isInView = entries[entries.length - 1].isIntersecting;
        if (isInView && !zs.currentStatus()?.job) refreshSummary(); // others may have made some since
        zs.refreshLive();
      }).observe(shown.element);
      shown.update(zs.currentStatus());
    }
    if (language !== zs.language()) shown.update(zs.currentStatus());
    language = zs.language();
    if (next.previousElementSibling !== shown.element) next.before(shown.element);
    const isBelowButtons = next.parentElement.querySelector('.image-fit') !== null;
    shown.element.classList.toggle('zs-below-buttons', isBelowButtons);
  }

  /** Whether somebody sees the bar, or where it would stand, so that it has to be kept up to date. */
  zs.wantsBar = () => isInView;

  /** Call when the summary has changed. */
  zs.onSummary = (listen) => summaryListeners.push(listen);
  const summaryListeners = [];

  zs.startBar = () => {
    zs.onSummary(() => shown?.update(zs.currentStatus()));
    zs.onStatus((status) => {
      const key = status ? `${status.job?.id ?? ''} ${new Date().toDateString()}` : summedUp;
      if (key !== summedUp && !status.job) refreshSummary();
      summedUp = key;
      // Statuses come often, and to look for its place costs the page a layout.
      if (!isWanted() || Date.now() - placedAt > PLACE_MS) place();
      shown?.update(status);
    });
    setInterval(place, PLACE_MS); // another tab may be open now
    const isLookedAt = () => document.visibilityState === 'visible' && isInView && !shown.element.hidden;
    setInterval(() => !zs.currentStatus()?.job && isLookedAt() && refreshSummary(), DAY_CHECK_MS);
  };
})();
