// The top of the panel: what the GPU does now, and what is wrong with the configuration.
(() => {
  const zs = (window.zludaSync ??= {});

  /**
   * One figure, called a guess while it counts on what was never seen; or a range where the server has found
   * that one figure would promise too much.
   */
  zs.timeLeft = (job) => {
    if (job.is_paused) return ''; // the label begins with that
    if (job.eta_s === null || job.eta_s === undefined) return zs.t('now.eta-unknown');
    const [low, high] = [job.eta_low_s ?? null, job.eta_high_s ?? null];
    if (low !== null && high !== null) {
      if (high < 1) return zs.t('now.eta-below', { time: zs.time(1) });
      const [from, to] = [zs.wholeTime(low), zs.wholeTime(high)];
      return from === to ? zs.t('now.eta-guessed', { time: to }) : zs.t('now.eta-range', { from, to });
    }
    if (job.eta_s < 1) return zs.t('now.eta-below', { time: zs.time(1) });
    return zs.t(job.is_eta_guessed ? 'now.eta-guessed' : 'now.eta', { time: zs.wholeTime(job.eta_s) });
  };

  function idleMode(status, selfTest) {
    const mode = status.profile?.values?.mode;
    const chosen = mode === 'auto' ? status.self_test?.mode : null;
    if (!chosen) return zs.modeOf(mode);
    // Without a device there was no self-test to choose by.
    if (!status.device || !selfTest) return zs.modeOf(chosen);
    const isTested = selfTest.report && !selfTest.report.was_called_off;
    return zs.t(isTested ? 'now.auto-mode' : 'now.auto-untested', { mode: zs.modeOf(chosen) });
  }

  /**
   * The section. `update(status, selfTest)` takes an answer of status, null while SD.Next does not answer,
   * and one of selftest, null until there is one.
   */
  zs.buildNow = () => {
    const label = zs.el('p', { class: 'zs-label-now' });
    const eta = zs.el('p', { class: 'zs-eta' });
    const track = zs.buildTrack();
    const spent = zs.el('span', {});
    const end = zs.el('span', {});
    const times = zs.el('p', { class: 'zs-wide-line zs-wide-small' }, spent, end);
    const controls = zs.buildControls();
    const note = zs.el('p', { class: 'zs-note' });
    const spoken = zs.el('p', { class: 'zs-hidden', 'aria-live': 'polite' });
    const facts = {};
    const list = zs.el('dl', { class: 'zs-facts' });
    ['steps', 'ahead', 'mode', 'rung', 'profile', 'device'].forEach((name) => {
      facts[name] = zs.el('dd', {});
      const term = zs.el('dt', { text: zs.t(`now.${name}`) });
      list.append(zs.el('div', { class: `zs-fact-${name}` }, term, facts[name]));
    });
    const problems = zs.el('ul', {});
    const alert = zs.el(
      'div', { class: 'zs-problems', role: 'status', hidden: true },
      zs.el('h3', { text: zs.t('now.problems') }), problems,
    );
    const line = zs.el('div', { class: 'zs-line-now' }, label, eta);
    const parts = [line, track.element, times, controls.element, spoken, note, list, alert];
    const element = zs.section('now', zs.t('now.title'), ...parts);

    function showFact(name, text) {
      facts[name].parentNode.hidden = !text;
      zs.setText(facts[name], text ?? '');
    }
    Object.keys(facts).forEach((name) => showFact(name, null));

    function showIdle(status, selfTest) {
      const idle = status.is_acting ? zs.t('now.idle') : zs.t('now.not-followed');
      const isTesting = (status.self_test?.progress ?? null) !== null;
      zs.setText(label, zs.isChecking() ? zs.t('now.checking') : isTesting ? zs.t('now.testing') : idle);
      zs.setText(eta, '');
      const { last, today } = zs.sumUp();
      zs.setText(spent, last);
      zs.setText(end, today);
      zs.setText(note, zs.sentence(status.explanation));
      showFact('steps', null);
      showFact('ahead', null);
      showFact('mode', status.is_acting ? idleMode(status, selfTest) : null);
      showFact('rung', null);
    }

    function showJob(job) {
      zs.setText(label, zs.labelOf(job));
      zs.setText(eta, zs.timeLeft(job));
      zs.setText(spent, zs.timeSpent(job));
      zs.setText(end, zs.sayEnd(job));
      zs.setText(note, zs.join(zs.said(job.notice), job.is_compiling ? zs.t('now.compiling') : ''));
      const waiting = job.launched - job.completed;
      const counts = { completed: job.completed, total: job.total ?? '?', waiting };
      const isCounted = job.launched > 0 || (job.total !== null && job.role === 'base');
      showFact('steps', isCounted ? zs.t('now.counts', counts) : null);
      // As Settings counts it: beyond the step that the GPU works on.
      const ahead = Math.max(0, job.run_ahead - 1);
      showFact('ahead', zs.t(ahead === 1 ? 'now.one-step' : 'now.n-steps', { count: ahead }));
      showFact('mode', zs.modeOf(job.mode));
      showFact('rung', job.rung && zs.rungOf(job.rung));
    }

    function showLoading(status, selfTest) {
      showIdle(status, selfTest);
      zs.setText(label, zs.said(status.loading.label));
      zs.setText(eta, zs.timeLeft(status.loading));
    }

    /** Nothing that was known of a job is so any more. */
    function showGone() {
      zs.setText(label, zs.t(zs.whyGone()));
      [eta, spent, end].forEach((one) => zs.setText(one, ''));
      zs.setText(note, zs.whyGone() === 'now.unloaded' ? zs.t('now.unloaded-remedy') : '');
      zs.setText(spoken, zs.join(label.textContent, note.textContent));
      track.element.hidden = true;
      ['steps', 'ahead', 'mode', 'rung'].forEach((name) => showFact(name, null));
      controls.update(null);
    }

    function showProblems(found) {
      const written = JSON.stringify(found);
      if (alert.dataset.written === written) return;
      alert.dataset.written = written;
      alert.hidden = !found.length;
      problems.replaceChildren(...found.map((problem) => {
        const { subject, rest } = zs.splitProblem(problem, found);
        return zs.el('li', {}, zs.el('code', { text: subject }), ' ', zs.el('span', { text: rest }));
      }));
    }

    return {
      element,
      update: (status, selfTest) => {
        const shown = status?.job ?? status?.loading ?? null;
        element.dataset.state = !status ? 'gone' : shown ? 'job' : 'idle';
        if (!status) {
          showGone();
          return;
        }
        const fraction = shown?.fraction ?? status.self_test?.progress ?? null;
        if (status.job) showJob(status.job);
        else if (shown) showLoading(status, selfTest);
        else showIdle(status, selfTest);
        track.element.hidden = fraction === null;
        track.show(fraction, shown ?? {}, zs.join(label.textContent, eta.textContent));
        controls.update(status);
        const words = shown ? zs.t('phase.load') : label.textContent;
        zs.setText(spoken, status.job ? zs.phaseOf(status.job.phase, status.job.role) : words);
        const { name, reason } = status.profile ?? {};
        showFact('profile', name && zs.t('now.profile-why', { name, reason: zs.said(reason) }));
        showFact('device', [status.device, status.backend].filter(Boolean).join(', '));
        showProblems(status.problems ?? []);
      },
    };
  };
})();
