// What the recorded times of a job say: pure functions of one answer of /zluda_sync/v1/jobs.
(() => {
  const zs = (window.zludaSync ??= {});
  const SAMPLES = 400;
  const FALL = 0.005; // less is rounding

  const ascending = (times) => [...times].sort((a, b) => a - b);
  const staircase = (times) => ascending(times).map((at, index) => [at, index + 1]);

  function runAhead(launched, completed) {
    const ends = ascending(completed);
    let done = 0;
    let most = 0;
    ascending(launched).forEach((at, index) => {
      while (done < ends.length && ends[done] <= at) done += 1;
      most = Math.max(most, index + 1 - done);
    });
    return most;
  }

  /** Launched and completed steps of the whole job over time, and how far apart they came. */
  zs.countSteps = (job) => {
    const launched = job.parts.flatMap((part) => part.launched_at_s);
    const completed = job.parts.flatMap((part) => part.completed_at_s);
    return {
      launched: staircase(launched),
      completed: staircase(completed),
      mostAhead: runAhead(launched, completed),
      total: job.parts.reduce((sum, part) => sum + (part.total ?? part.launched_at_s.length), 0),
    };
  };

  /** The value that a recorded bar shows at a moment: the last one before it, 0 before the first. */
  zs.shownAt = (bar, at) => {
    let low = 0;
    let high = bar.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bar[middle][0] <= at) low = middle + 1;
      else high = middle;
    }
    return low ? bar[low - 1][1] : 0;
  };

  /**
   * How far a bar was from the true share of the time, as shares of the whole, and how often it fell back.
   * `errors`: at the moments at which it is judged.
   */
  function judge(errors, bar) {
    const sizes = errors.map((error) => Math.abs(error));
    const falls = bar.filter(([, shown], index) => index && shown < bar[index - 1][1] - FALL).length;
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    return { worst: Math.max(...sizes), mean, falls };
  }

  const canBeJudged = (job, bar) => bar.length > 1 && job.outcome === 'finished' && job.duration_s > 0;

  /** This bar moves between the recorded looks at it: it is judged at those. Null if it cannot be. */
  zs.judgeOwnBar = (job) => {
    if (!canBeJudged(job, job.bar)) return null;
    return judge(job.bar.map(([at, shown]) => shown - at / job.duration_s), job.bar);
  };

  /** SD.Next's own stands still between its changes: it is judged all the time. Null if it cannot be. */
  zs.judgeStockBar = (job) => {
    if (!canBeJudged(job, job.stock_bar)) return null;
    const shares = Array.from({ length: SAMPLES }, (_none, index) => (index + 0.5) / SAMPLES);
    const errors = shares.map((share) => zs.shownAt(job.stock_bar, share * job.duration_s) - share);
    return judge(errors, job.stock_bar);
  };

  /** Every step with its time: [{number, seconds, part, isCompile, isOutlier}]. */
  zs.listSteps = (job) => {
    let number = 0;
    return job.parts.flatMap((part) => part.step_s.map((seconds, index) => {
      number += 1;
      const isCompile = part.has_compiled && index === 0;
      return { number, seconds, part, isCompile, isOutlier: !isCompile && part.outliers.includes(index) };
    }));
  };

  zs.median = (values) => {
    const known = ascending(values.filter((value) => Number.isFinite(value)));
    if (!known.length) return null;
    const middle = known.length >> 1;
    return known.length % 2 ? known[middle] : (known[middle - 1] + known[middle]) / 2;
  };

  const largest = (values) => {
    const known = values.filter((value) => Number.isFinite(value));
    return known.length ? Math.max(...known) : null;
  };

  /** Recent stops by the phase that they came in, passes by their role. */
  zs.groupStops = (jobs) => {
    const groups = new Map();
    jobs.filter((job) => job.stop).forEach(({ stop }) => {
      const key = stop.phase === 'denoise' ? `denoise ${stop.role || 'base'}` : stop.phase;
      groups.set(key, [...(groups.get(key) ?? []), stop]);
    });
    return [...groups.values()].map((stops) => ({
      phase: stops[0].phase,
      role: stops[0].role,
      count: stops.length,
      acknowledged_s: zs.median(stops.map((stop) => stop.acknowledged_s)),
      ended_s: zs.median(stops.map((stop) => stop.ended_s)),
      longest_s: largest(stops.map((stop) => stop.ended_s)),
      launched: largest(stops.map((stop) => stop.launched_steps)),
      queued: largest(stops.map((stop) => stop.queued_steps)),
    }));
  };
})();
