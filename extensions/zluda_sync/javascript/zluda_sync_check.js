// The check of the card: a button, its progress, one sentence, and the figures behind it.
(() => {
  const zs = (window.zludaSync ??= {});
  const LOOK_MS = 1000;
  const HAS_REMEDY = new Set(['early', 'late', 'lost']);

  /** Waiting after every step helps where that was judged and never told of a step too early. */
  function findRemedy(found) {
    const leads = found.rows.filter((row) => row.mode === 'every-step').map((row) => row.lead);
    return leads.includes(0) && !leads.some((lead) => lead > 0) ? 'everyStepHelps' : 'noModeHelps';
  }

  /** What was found, in one sentence: the server's own words where the page is English. */
  function saySentence(found) {
    if (zs.language() === 'en') return found.sentence;
    const own = found.rows.find((row) => row.mode === found.trace.mode && !row.host_sync);
    const launches = found.blocking_launch ?? null;
    const rung = found.rung ? zs.rungOf(found.rung) : '–';
    const values = { steps: own?.step_error ?? '–', rung, launches };
    if (found.outcome === 'blocking' && launches !== null) return zs.t('check.says.blocksLater', values);
    const saves = found.outcome === 'true' && found.saved_share >= 0.005;
    const saving = saves ? zs.t('check.says.saves', { saved: zs.percent(found.saved_share) }) : '';
    const remedy = HAS_REMEDY.has(found.outcome) ? zs.t(`check.says.${findRemedy(found)}`) : '';
    return zs.t(`check.says.${found.outcome}`, values) + saving + remedy;
  }

  function buildRow(row) {
    const write = (value, digits) => (value === null ? '–' : zs.number(value, digits));
    return [
      zs.modeOf(row.mode), zs.t(row.host_sync ? 'check.on' : 'check.off'), zs.time(row.wall_s),
      row.bar_error === null ? '–' : zs.percent(row.bar_error), write(row.step_error, 0), write(row.lead, 0),
      write(row.previews, 0), write(row.torn, 0), write(row.early, 0),
    ];
  }

  function buildTable(found) {
    const head = ['mode', 'sync', 'wall', 'bar', 'steps', 'lead', 'previews', 'torn', 'early'];
    return zs.table(
      zs.t('check.title'), head.map((name) => zs.t(`check.${name}`)), found.rows.map(buildRow),
    );
  }

  let isRunning = false;
  /** Whether a check runs, as far as this page has looked. */
  zs.isChecking = () => isRunning;

  function keepRunning(isNow) {
    if (isNow === isRunning) return;
    isRunning = isNow;
    if (zs.currentStatus()) zs.tellStatus(zs.currentStatus()); // what else is shown says so, too
  }

  /** The section. */
  zs.buildCheck = () => {
    const sentence = zs.el('p', { 'aria-live': 'polite' });
    const facts = zs.el('p', { class: 'zs-note' });
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const progress = zs.el('progress', {
      max: '1', value: '0', hidden: true, 'aria-label': zs.t('check.title'),
    });
    const result = zs.el('div', {});
    const start = zs.button(zs.t('check.start'), run);
    let timer = null;

    async function run() {
      start.disabled = true;
      zs.setText(failure, '');
      const answer = await zs.ask('POST', 'verification');
      if (answer.ok) show(answer.data);
      else {
        start.disabled = false;
        zs.setText(failure, zs.sayRefusals(answer));
      }
    }

    async function load() {
      const answer = await zs.ask('GET', 'verification');
      if (answer.ok) show(answer.data);
      else look(); // SD.Next may only be busy
    }

    /** Look again in a moment. */
    function look() {
      clearTimeout(timer);
      timer = start.disabled ? setTimeout(load, LOOK_MS) : null;
    }

    function show(answer) {
      const found = answer.verification ?? null;
      const share = answer.progress ?? null;
      progress.hidden = share === null;
      if (share !== null) progress.value = share;
      start.disabled = share !== null;
      zs.setText(failure, zs.sentence(answer.failure ?? ''));
      keepRunning(share !== null);
      zs.setText(sentence, found ? saySentence(found) : share === null ? zs.t('check.none') : '');
      const taken = found && zs.t('check.taken', {
        when: zs.clock(found.taken_at_s), device: found.device, truth: zs.said(found.truth ?? '–'),
      });
      // Beside what is read aloud: it changes every second.
      zs.setText(facts, share === null ? taken ?? '' : zs.t('check.running', { share: zs.percent(share) }));
      result.replaceChildren(...(found ? [buildTable(found)] : []));
      look();
    }

    return {
      element: zs.section(
        'check', zs.t('check.title'),
        zs.el('p', { class: 'zs-note', text: zs.t('check.what') }),
        zs.el('p', { class: 'zs-buttons' }, start, progress), failure, sentence, facts, result,
      ),
      load,
    };
  };
})();
