// The top of the panel: what the GPU does now, what is wrong with the configuration, whether the bar is true.
(() => {
  const zs = (window.zludaSync ??= {});
  const UNSURE_SHARE = 0.1; // of the remaining time; from there on it is shown as a range
  const POOR_ERROR = 0.1;
  const EVENT_RUNGS = ['passive-counter', 'planted-event', 'lagged-wait'];

  zs.labelOf = (job) => {
    if (zs.language() === 'en' || !job.phase) return job.label;
    const image = job.images > 1 ? zs.t('now.image', { image: job.image + 1, images: job.images }) : '';
    return image + zs.phaseOf(job.phase, job.role);
  };

  zs.phaseOf = (phase, role) => {
    const key = phase === 'denoise' && role && role !== 'base' ? `phase.${role}` : `phase.${phase}`;
    return zs.hasWord(key) ? zs.t(key) : phase;
  };

  zs.sayFalls = (count) => zs.t(count === 1 ? 'verdict.once' : 'verdict.times', { count });

  function timeLeft(job) {
    if (job.is_paused) return zs.t('now.paused');
    if (job.eta_s === null || job.eta_s === undefined) return zs.t('now.eta-unknown');
    const spread = job.eta_spread_s ?? 0;
    if (spread > Math.max(1, UNSURE_SHARE * job.eta_s)) {
      const from = zs.time(Math.max(0, job.eta_s - spread));
      return zs.t('now.eta-range', { from, to: zs.time(job.eta_s + spread) });
    }
    return zs.t('now.eta', { time: zs.time(job.eta_s) });
  }

  function idleMode(status) {
    const mode = status.profile?.values?.mode;
    return mode === 'auto' && status.self_test?.mode ? `auto: ${status.self_test.mode}` : mode;
  }

  zs.buildNow = () => {
    const label = zs.el('p', { class: 'zs-label-now' });
    const eta = zs.el('p', { class: 'zs-eta' });
    const fill = zs.el('span', { class: 'zs-fill' });
    const bar = zs.el('div', {
      class: 'zs-bar', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-label': zs.t('now.bar'),
    }, fill);
    const note = zs.el('p', { class: 'zs-note' });
    const spoken = zs.el('p', { class: 'zs-hidden', 'aria-live': 'polite' });
    const facts = {};
    const list = zs.el('dl', { class: 'zs-facts' });
    ['steps', 'ahead', 'mode', 'rung', 'profile', 'device'].forEach((name) => {
      facts[name] = zs.el('dd', {});
      list.append(zs.el('div', { class: `zs-fact-${name}` }, zs.el('dt', { text: zs.t(`now.${name}`) }), facts[name]));
    });
    const problems = zs.el('ul', {});
    const alert = zs.el(
      'div', { class: 'zs-problems', role: 'status', hidden: true }, zs.el('h3', { text: zs.t('now.problems') }), problems,
    );
    const element = zs.section(
      'now', zs.t('now.title'), zs.el('div', { class: 'zs-line-now' }, label, eta), bar, spoken, note, list, alert,
    );

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

    function showProblems(found) {
      const written = JSON.stringify(found);
      if (alert.dataset.written === written) return;
      alert.dataset.written = written;
      alert.hidden = !found.length;
      problems.replaceChildren(...found.map(({ where, text }) => zs.el(
        'li', {}, zs.el('code', { text: where }), ' ', zs.el('span', { text: text.startsWith(where) ? text.slice(where.length).trim() : text }),
      )));
    }

    return {
      element,
      update: (status) => {
        element.dataset.state = !status ? 'gone' : status.job ? 'job' : 'idle';
        if (!status) {
          zs.setText(label, zs.t('now.gone'));
          zs.setText(eta, '');
          return;
        }
        const fraction = status.job?.fraction ?? status.self_test?.progress ?? null;
        if (status.job) showJob(status.job);
        else showIdle(status);
        fill.style.transform = `scaleX(${fraction ?? 0})`;
        bar.setAttribute('aria-valuetext', `${label.textContent} ${eta.textContent}`.trim());
        if (fraction === null) bar.removeAttribute('aria-valuenow');
        else bar.setAttribute('aria-valuenow', String(Math.round(100 * fraction)));
        zs.setText(spoken, status.job ? zs.phaseOf(status.job.phase, status.job.role) : label.textContent);
        showFact('profile', status.profile && `${status.profile.name}: ${status.profile.reason}`);
        showFact('device', [status.device, status.backend].filter(Boolean).join(', '));
        showProblems(status.problems ?? []);
      },
    };
  };

  function judgeDevice(status, selfTest) {
    const report = selfTest?.report;
    if (!status.is_acting) return ['off', zs.t('verdict.off'), zs.sentence(status.explanation)];
    if (!report) return ['unknown', zs.t('verdict.unknown'), zs.t('verdict.untested', { why: selfTest?.explanation ?? status.self_test?.explanation ?? '' })];
    if (report.is_blocking) return ['yes', zs.t('verdict.yes'), zs.t('verdict.blocking')];
    const truthful = report.rungs.filter((rung) => rung.is_truthful).map((rung) => rung.name);
    const rung = truthful.find((name) => EVENT_RUNGS.includes(name));
    if (report.unfinished || !truthful.length) {
      const why = report.unfinished || zs.t('verdict.no-rung');
      return ['unknown', zs.t('verdict.unknown'), zs.t('verdict.unfinished', { why })];
    }
    if (!rung) return ['yes', zs.t('verdict.yes'), zs.t('verdict.costly')];
    return ['yes', zs.t('verdict.yes'), zs.t('verdict.truthful', { rung })];
  }

  function judgeJob(job) {
    if (!job || job.outcome === 'running') return '';
    const { mostAhead, launched } = zs.countSteps(job);
    const parts = [];
    const own = zs.judgeOwnBar(job);
    const stock = zs.judgeStockBar(job);
    if (launched.length) {
      parts.push(zs.t(mostAhead === 1 ? 'verdict.ahead-one' : 'verdict.ahead', { count: mostAhead, when: zs.clock(job.began_at_s) }));
    }
    if (own && stock) {
      parts.push(zs.t('verdict.bars', { stock: zs.percent(stock.worst), stockMean: zs.percent(stock.mean), own: zs.percent(own.worst), mean: zs.percent(own.mean) }));
    } else if (own) parts.push(zs.t('verdict.own-bar', { own: zs.percent(own.worst) }));
    if (stock?.falls) parts.push(zs.t('verdict.falls', { count: zs.sayFalls(stock.falls) }));
    if (own && own.worst > POOR_ERROR) parts.push(zs.t('verdict.learning'));
    return parts.join(' ');
  }

  zs.buildVerdict = () => {
    const answer = zs.el('strong', {});
    const reason = zs.el('span', { class: 'zs-reason' });
    const lastJob = zs.el('span', { class: 'zs-last-job' });
    const element = zs.section(
      'verdict', zs.t('verdict.title'), zs.el('p', { 'aria-live': 'polite' }, answer, ' ', reason, ' ', lastJob),
    );
    return {
      element,
      update: (status, selfTest, job) => {
        if (!status) return;
        const [verdict, word, why] = judgeDevice(status, selfTest);
        element.dataset.verdict = verdict;
        zs.setText(answer, word);
        zs.setText(reason, why);
        zs.setText(lastJob, judgeJob(job));
      },
    };
  };
})();
