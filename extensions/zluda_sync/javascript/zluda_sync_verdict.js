// Whether the bar is true: what the self-test says of this device, and what the last finished job shows.
(() => {
  const zs = (window.zludaSync ??= {});
  const POOR_ERROR = 0.1; // of the whole: a bar that was off by more was a guess
  const QUICK_WAYS = ['passive-counter', 'planted-event', 'lagged-wait'];

  /** Verdict, word and reason. "Not certain" only where somebody has to do something, and says what. */
  function judgeDevice(status, selfTest) {
    const yes = (reason) => ['yes', zs.t('verdict.yes'), zs.t(reason)];
    const unknown = (...reasons) => ['unknown', zs.t('verdict.unknown'), zs.join(...reasons)];
    const report = selfTest?.report;
    if (!status.is_acting) return ['off', zs.t('verdict.off'), zs.sentence(status.explanation)];
    if (!report || report.was_called_off) return ['untested', ...judgeUntested(status, selfTest)];
    if (report.is_blocking) return yes('verdict.blocking');
    if (report.unfinished) return unknown(zs.sentence(selfTest.explanation), zs.t('verdict.unfinished'));
    const truthful = report.rungs.filter((rung) => rung.is_truthful).map((rung) => rung.name);
    if (!truthful.length) return unknown(zs.t('verdict.no-rung'));
    const chosen = report.rungs.find((rung) => rung.name === status.profile?.values?.rung);
    if (chosen?.is_truthful === false) {
      return unknown(zs.t('verdict.chosen-lies', { rung: zs.rungOf(chosen.name) }));
    }
    return yes(truthful.some((name) => QUICK_WAYS.includes(name)) ? 'verdict.truthful' : 'verdict.costly');
  }

  function judgeUntested(status, selfTest) {
    if ((status.self_test?.progress ?? null) !== null) {
      return [zs.t('verdict.being-tested'), zs.t('verdict.checked-meanwhile')];
    }
    const why = zs.sentence(selfTest?.explanation ?? status.self_test?.explanation ?? '');
    return [zs.t('verdict.untested'), zs.join(why, zs.t('verdict.checked-meanwhile'))];
  }

  /** How far SD.Next ran ahead in a job, and how far off both bars were; empty while the job runs. */
  function sayJob(job) {
    if (!job || job.outcome === 'running') return '';
    const { mostAhead, launched } = zs.countSteps(job);
    const parts = [];
    const own = zs.judgeOwnBar(job);
    const stock = zs.judgeStockBar(job);
    if (launched.length) {
      const values = { count: mostAhead, when: zs.clock(job.began_at_s) };
      parts.push(zs.t(mostAhead === 1 ? 'verdict.ahead-one' : 'verdict.ahead', values));
    }
    if (own && stock) {
      parts.push(zs.t('verdict.bars', {
        stock: zs.percent(stock.worst), stockMean: zs.percent(stock.mean),
        own: zs.percent(own.worst), mean: zs.percent(own.mean),
      }));
    } else if (own) parts.push(zs.t('verdict.own-bar', { own: zs.percent(own.worst) }));
    if (stock?.falls) parts.push(zs.t('verdict.falls', { count: zs.sayFalls(stock.falls) }));
    if (own && own.worst > POOR_ERROR) parts.push(zs.t('verdict.learning'));
    return zs.join(...parts);
  }

  /**
   * The section. `update(status, selfTest, job)` takes answers of status, selftest and jobs/{id}; null where
   * there is none.
   */
  zs.buildVerdict = () => {
    const answer = zs.el('strong', {});
    const reason = zs.el('span', { class: 'zs-reason' });
    const lastJob = zs.el('span');
    const text = zs.el('p', { 'aria-live': 'polite' }, answer, ' ', reason);
    const figures = zs.el('p', { class: 'zs-last-job' }, lastJob);
    const element = zs.section('verdict', zs.t('verdict.title'), text, figures);
    return {
      element,
      update: (status, selfTest, job) => {
        if (!status) return;
        const [verdict, word, why] = judgeDevice(status, selfTest);
        element.dataset.verdict = verdict;
        zs.setText(answer, word);
        zs.setText(reason, why);
        zs.setText(lastJob, sayJob(job));
        figures.hidden = !lastJob.textContent;
      },
    };
  };
})();
