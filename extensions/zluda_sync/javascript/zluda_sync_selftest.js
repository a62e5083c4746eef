// The self-test: a button, its progress, and what it found.
(() => {
  const zs = (window.zludaSync ??= {});

  /** `changed(answer)` is called with each answer of the route. */
  zs.buildSelfTest = (changed) => {
    const explanation = zs.el('p', {});
    const facts = zs.el('p', { class: 'zs-note' });
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const progress = zs.el('progress', { max: '1', value: '0', hidden: true, 'aria-label': zs.t('selftest.progress') });
    const result = zs.el('div', {});
    const start = zs.button(zs.t('selftest.start'), run);
    let isOurs = false;
    let wasRunning = false;
    let takenAt = null;

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
      } else zs.setText(failure, zs.refusals(answer).map((one) => one.text).join(' '));
    }

    async function load() {
      const answer = await zs.ask('GET', 'selftest');
      if (answer.ok) show(answer.data);
    }

    function show(answer) {
      const { report } = answer;
      takenAt = report?.taken_at_s ?? null;
      zs.setText(explanation, zs.sentence(answer.explanation));
      zs.setText(facts, report ? [
        zs.t('selftest.taken', { when: zs.clock(report.taken_at_s), time: zs.time(report.duration_s) }), report.device,
        ...Object.entries(report.versions).filter(([, version]) => version).map(([name, version]) => `${name} ${version}`),
        report.unfinished && zs.t('selftest.unfinished', { why: report.unfinished }),
      ].filter(Boolean).join(' · ') : zs.t('selftest.none'));
      result.replaceChildren(...(report?.rungs.length ? [zs.table(zs.t('selftest.title'), [
        zs.t('selftest.rung'), zs.t('selftest.verdict'), zs.t('selftest.reason'), zs.t('selftest.report-at'),
        zs.t('selftest.residual'), zs.t('selftest.cost'),
      ], report.rungs.map((rung) => [
        zs.el('span', {}, rung.name, ...(rung.name === report.event_rung ? [' ', zs.el('span', { class: 'zs-tag', text: zs.t('selftest.in-use') })] : [])), zs.el('span', {
          class: `zs-verdict-${rung.is_truthful}`, text: zs.t(`selftest.${rung.is_truthful === null ? 'untried' : rung.is_truthful ? 'truthful' : 'lies'}`),
        }),
        rung.reason || '', rung.wait_share === null ? '–' : zs.number(rung.wait_share, 2),
        rung.residual_s === null ? '–' : zs.number(1000 * rung.residual_s, 2), rung.cost_s === null ? '–' : zs.number(1e6 * rung.cost_s, 1),
      ])), zs.el('p', { class: 'zs-note', text: zs.t('selftest.legend') })] : []));
      changed(answer);
    }

    return {
      element: zs.section(
        'selftest', zs.t('selftest.title'), zs.el('p', { class: 'zs-note', text: zs.t('selftest.what') }), explanation,
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
