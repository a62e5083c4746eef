// How fast each model was, week by week: a table below the jobs, from all that are remembered.
(() => {
  const zs = (window.zludaSync ??= {});
  const MOST_ROWS = 40;

  /** The Monday of a job's week, in seconds since the epoch. */
  const weekOf = (epochS) => {
    const day = new Date(epochS * 1000);
    day.setHours(0, 0, 0, 0);
    day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
    return day.getTime() / 1000;
  };

  /**
   * Finished jobs by model, size and week, newest week first. Sizes are apart: a larger picture takes longer
   * without anything being slower.
   */
  zs.groupSpeeds = (jobs) => {
    const groups = new Map();
    const isTimed = (job) => job.outcome === 'finished' && Number.isFinite(job.median_step_s);
    jobs.filter(isTimed).forEach((job) => {
      const model = (job.model ?? '').split(/[\\/]/).pop();
      const size = job.width && job.height ? `${job.width} x ${job.height}` : null;
      const week = weekOf(job.began_at_s);
      const key = JSON.stringify([week, model, size]);
      const group = groups.get(key) ?? { model, size, week, steps: [] };
      group.steps.push(job.median_step_s);
      groups.set(key, group);
    });
    const found = [...groups.values()].map(({ steps, ...group }) => (
      { ...group, count: steps.length, step_s: zs.median(steps) }
    ));
    const byName = (one, other) => one.model.localeCompare(other.model);
    return found.sort((one, other) => other.week - one.week || byName(one, other)).slice(0, MOST_ROWS);
  };

  zs.buildSpeeds = () => {
    const place = zs.el('div', { class: 'zs-speeds' });
    let shown = '';
    return {
      element: place,
      show: (jobs) => {
        const groups = zs.groupSpeeds(jobs);
        const written = JSON.stringify(groups);
        if (written === shown) return;
        shown = written;
        const day = (epochS) => new Date(epochS * 1000).toLocaleDateString(zs.language());
        const rows = groups.map((group) => [
          day(group.week), group.model || '–', group.size, String(group.count), zs.time(group.step_s),
        ]);
        const words = ['week', 'model', 'size', 'jobs', 'step'].map((name) => zs.t(`speeds.${name}`));
        place.replaceChildren(
          rows.length ? zs.table(zs.t('speeds.title'), words, rows)
            : zs.el('p', { class: 'zs-note', text: zs.t('speeds.none') }),
        );
      },
    };
  };
})();
