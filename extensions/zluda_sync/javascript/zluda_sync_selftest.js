// The self-test: a button, its progress, and what it found.
(() => {
  const zs = (window.zludaSync ??= {});

  /** What was tested, when, and why it ended early if it did. */
  function sayReport(report) {
    if (!report) return zs.t('selftest.none');
    const versions = Object.entries(report.versions).filter(([, version]) => version);
    return [
      zs.t('selftest.taken', { when: zs.clock(report.taken_at_s), time: zs.time(report.duration_s) }),
      report.device,
      ...versions.map(([name, version]) => `${name} ${version}`),
      report.unfinished && zs.t('selftest.unfinished', { why: zs.said(report.unfinished) }),
    ].filter(Boolean).join(' · ');
  }

  /** The way that the next job uses; null where that waits for all that is queued. */
  function findInUse(report) {
    const { mode, rung } = zs.currentStatus()?.profile?.values ?? {};
    const tested = mode === 'auto' ? zs.currentStatus().self_test?.mode : mode;
    const usesMarks = tested !== 'every-step' && tested !== 'off';
    return rung && rung !== 'auto' ? rung : usesMarks ? report.event_rung : null;
  }

  function buildRow(rung, rungInUse) {
    const isInUse = rung.name === rungInUse;
    const tag = isInUse ? [' ', zs.el('span', { class: 'zs-tag', text: zs.t('selftest.in-use') })] : [];
    const verdict = rung.is_truthful === null ? 'untried' : rung.is_truthful ? 'truthful' : 'lies';
    const write = (value, scale, digits) => (value === null ? '–' : zs.number(scale * value, digits));
    return [
      zs.el('span', {}, zs.rungOf(rung.name), ' ', zs.el('code', { text: rung.name }), ...tag),
      zs.el('span', { class: `zs-verdict-${rung.is_truthful}`, text: zs.t(`selftest.${verdict}`) }),
      zs.said(rung.reason),
      write(rung.wait_share, 1, 2), write(rung.residual_s, 1e3, 2), write(rung.cost_s, 1e6, 1),
    ];
  }

  /** A row for each rung, and what the columns mean; nothing where none was tried. */
  function buildResult(report) {
    if (!report?.rungs.length) return [];
    const head = ['rung', 'verdict', 'reason', 'report-at', 'residual', 'cost'];
    const rows = report.rungs.map((rung) => buildRow(rung, findInUse(report)));
    return [
      zs.table(zs.t('selftest.title'), head.map((name) => zs.t(`selftest.${name}`)), rows),
      zs.el('p', { class: 'zs-note', text: zs.t('selftest.legend') }),
    ];
  }

  /** The section. `changed(answer)` is called with each answer of the route. */
  zs.buildSelfTest = (changed) => {
    const explanation = zs.el('p', {});
    const facts = zs.el('p', { class: 'zs-note' });
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const progress = zs.el('progress', {
      max: '1', value: '0', hidden: true, 'aria-label': zs.t('selftest.progress'),
    });
    const result = zs.el('div', {});
    const start = zs.button(zs.t('selftest.start'), run);
    let isOurs = false; // this page has asked for the test that runs
    let wasRunning = false;
    let takenAt = null; // of the newest report

    async function run() {
      isOurs = true;
      start.disabled = true;
      zs.setText(failure, '');
      const before = takenAt;
      const answer = await zs.ask('POST', 'selftest');
      isOurs = false;
      start.disabled = false;
      progress.hidden = true;
      if (answer.ok) {
        show(answer.data);
        if (takenAt === before) zs.setText(failure, zs.t('selftest.called-off'));
      } else zs.setText(failure, zs.sayRefusals(answer));
    }

    async function load() {
      const answer = await zs.ask('GET', 'selftest');
      if (answer.ok) show(answer.data);
    }

    function show(answer) {
      const { report } = answer;
      takenAt = report?.taken_at_s ?? null;
      zs.setText(explanation, zs.sentence(answer.explanation));
      zs.setText(facts, sayReport(report));
      result.replaceChildren(...buildResult(report));
      changed(answer);
    }

    return {
      element: zs.section(
        'selftest', zs.t('selftest.title'),
        zs.el('p', { class: 'zs-note', text: zs.t('selftest.what') }), explanation,
        zs.el('p', { class: 'zs-buttons' }, start, progress), failure, facts, result,
      ),
      load,
      update: (status) => {
        const share = status?.self_test?.progress ?? null;
        progress.hidden = share === null && !isOurs;
        if (share !== null) progress.value = share;
        start.disabled = isOurs || share !== null;
        if (wasRunning && share === null && !isOurs) load();
        wasRunning = share !== null;
      },
    };
  };
})();
