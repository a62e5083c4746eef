// The top of the panel: what the GPU does now, and what is wrong with the configuration.
(() => {
  const zs = (window.zludaSync ??= {});

  /** One figure, or a range where the server has found that one would promise too much. */
  function timeLeft(job) {
    if (job.is_paused) return zs.t('now.paused');
    if (job.eta_s === null || job.eta_s === undefined) return zs.t('now.eta-unknown');
    const [from, to] = [job.eta_low_s ?? null, job.eta_high_s ?? null];
    if (from !== null && to !== null) return zs.t('now.eta-range', { from: zs.time(from), to: zs.time(to) });
    return zs.t('now.eta', { time: zs.time(job.eta_s) });
  }

  function idleMode(status) {
    const mode = status.profile?.values?.mode;
    return mode === 'auto' && status.self_test?.mode ? `auto: ${status.self_test.mode}` : mode;
  }

  /** The section. `update(status)` takes an answer of status, null while SD.Next does not answer. */
  zs.buildNow = () => {
    const label = zs.el('p', { class: 'zs-label-now' });
    const eta = zs.el('p', { class: 'zs-eta' });
    const fill = zs.el('span', { class: 'zs-fill' });
    const bar = zs.el('div', {
      class: 'zs-bar', role: 'progressbar', 'aria-label': zs.t('now.bar'),
      'aria-valuemin': '0', 'aria-valuemax': '100',
    }, fill);
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
    const element = zs.section('now', zs.t('now.title'), line, bar, spoken, note, list, alert);

    function showFact(name, text) {
      facts[name].parentNode.hidden = !text;
      zs.setText(facts[name], text ?? '');
    }
    Object.keys(facts).forEach((name) => showFact(name, null));

    function showIdle(status) {
      const idle = status.is_acting ? zs.t('now.idle') : zs.t('now.not-followed');
      zs.setText(label, (status.self_test?.progress ?? null) !== null ? zs.t('now.testing') : idle);
      zs.setText(eta, '');
      zs.setText(note, zs.sentence(status.explanation));
      showFact('steps', null);
      showFact('ahead', null);
      showFact('mode', status.is_acting ? idleMode(status) : null);
      showFact('rung', null);
    }

    function showJob(job) {
      zs.setText(label, zs.labelOf(job));
      zs.setText(eta, timeLeft(job));
      zs.setText(note, [job.notice, job.is_compiling ? zs.t('now.compiling') : ''].filter(Boolean).join(' '));
      const waiting = job.launched - job.completed;
      const counts = { completed: job.completed, total: job.total ?? '?', waiting };
      showFact('steps', job.total === null && !job.launched ? null : zs.t('now.counts', counts));
      showFact('ahead', zs.t(job.run_ahead === 1 ? 'now.one-step' : 'now.n-steps', { count: job.run_ahead }));
      showFact('mode', job.mode);
      showFact('rung', job.rung);
    }

    function showLoading(status) {
      showIdle(status);
      zs.setText(label, `${zs.t('phase.load')} ${Math.floor(status.loading.elapsed_s)} s`);
      zs.setText(eta, timeLeft(status.loading));
    }

    function showProblems(found) {
      const written = JSON.stringify(found);
      if (alert.dataset.written === written) return;
      alert.dataset.written = written;
      alert.hidden = !found.length;
      problems.replaceChildren(...found.map(({ where, text }) => {
        const rest = text.startsWith(where) ? text.slice(where.length).trim() : text;
        return zs.el('li', {}, zs.el('code', { text: where }), ' ', zs.el('span', { text: rest }));
      }));
    }

    return {
      element,
      update: (status) => {
        const shown = status?.job ?? status?.loading ?? null;
        element.dataset.state = !status ? 'gone' : shown ? 'job' : 'idle';
        if (!status) {
          zs.setText(label, zs.t('now.gone'));
          zs.setText(eta, '');
          return;
        }
        const fraction = shown?.fraction ?? status.self_test?.progress ?? null;
        if (status.job) showJob(status.job);
        else if (shown) showLoading(status);
        else showIdle(status);
        fill.style.transform = `scaleX(${fraction ?? 0})`;
        bar.setAttribute('aria-valuetext', `${label.textContent} ${eta.textContent}`.trim());
        if (fraction === null) bar.removeAttribute('aria-valuenow');
        else bar.setAttribute('aria-valuenow', String(Math.round(100 * fraction)));
        const words = shown ? zs.t('phase.load') : label.textContent;
        zs.setText(spoken, status.job ? zs.phaseOf(status.job.phase, status.job.role) : words);
        showFact('profile', status.profile && `${status.profile.name}: ${status.profile.reason}`);
        showFact('device', [status.device, status.backend].filter(Boolean).join(', '));
        showProblems(status.problems ?? []);
      },
    };
  };
})();
