// Whether the bar is true: what the self-test says of this device, and what the last finished job shows.
(() => {
  const zs = (window.zludaSync ??= {});
  const POOR_ERROR = 0.1; // of the whole: a bar that was off by more was a guess
  const EVENT_RUNGS = ['passive-counter', 'planted-event', 'lagged-wait'];

  /** Verdict, word and reason. */
  function judgeDevice(status, selfTest) {
    const yes = (why) => ['yes', zs.t('verdict.yes'), why];
    const unknown = (why) => ['unknown', zs.t('verdict.unknown'), why];
    const report = selfTest?.report;
    if (!status.is_acting) return ['off', zs.t('verdict.off'), zs.sentence(status.explanation)];
    if (!report) {
      const why = selfTest?.explanation ?? status.self_test?.explanation ?? '';
      return unknown(zs.t('verdict.untested', { why }));
    }
    if (report.is_blocking) return yes(zs.t('verdict.blocking'));
    const truthful = report.rungs.filter((rung) => rung.is_truthful).map((rung) => rung.name);
    if (report.unfinished || !truthful.length) {
      return unknown(zs.t('verdict.unfinished', { why: report.unfinished || zs.t('verdict.no-rung') }));
    }
    const rung = truthful.find((name) => EVENT_RUNGS.includes(name));
    return yes(rung ? zs.t('verdict.truthful', { rung }) : zs.t('verdict.costly'));
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
    return parts.join(' ');
  }

  /**
   * The section. `update(status, selfTest, job)` takes answers of status, selftest and jobs/{id}; null where
   * there is none.
   */
  zs.buildVerdict = () => {
    const answer = zs.el('strong', {});
    const reason = zs.el('span', { class: 'zs-reason' });
    const lastJob = zs.el('span', { class: 'zs-last-job' });
    const text = zs.el('p', { 'aria-live': 'polite' }, answer, ' ', reason, ' ', lastJob);
    const element = zs.section('verdict', zs.t('verdict.title'), text);
    return {
      element,
      update: (status, selfTest, job) => {
        if (!status) return;
        const [verdict, word, why] = judgeDevice(status, selfTest);
        element.dataset.verdict = verdict;
        zs.setText(answer, word);
        zs.setText(reason, why);
        zs.setText(lastJob, sayJob(job));
      },
    };
  };
})();
