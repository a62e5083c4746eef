// One job in pictures and figures: launched against completed steps, the bars, step times, what it cost.
(() => {
  const zs = (window.zludaSync ??= {});
  const CLIP_FACTOR = 1.6; // a compile step can be a hundred times the others: its bar is cut, and says so
  const LEAST_BAR_PX = 2; // a step that was seen together with the one before took no time, but it is there

  const cellsOf = (job, end) => (job.cells ?? []).map(([from, to], index) => ({
    from, to: to ?? end, label: zs.t('cells.cell', { number: index + 1 }),
  }));
  const phasesOf = (job, end) => job.parts.map((part) => ({
    from: part.began_s, to: part.ended_s ?? end, label: zs.phaseOf(part.phase, part.role),
  }));
  /** Cells, where the job has several: its phases would be too many to tell apart. */
  const bandsOf = (job, end) => (job.cells?.length > 1 ? cellsOf(job, end) : phasesOf(job, end));
  /** The last moment that any plot of a job shows. */
  const endOf = (job) => {
    const moments = job.parts.flatMap((part) =>
      [part.ended_s ?? 0, ...part.completed_at_s.slice(-1), ...part.launched_at_s.slice(-1)]);
    return Math.max(job.duration_s ?? 0, ...moments, 0.1);
  };
  /** What did not come while a job ran does not come any more. */
  const isOver = (job) => job.outcome !== 'running';
  const writeSeconds = (value) => zs.number(value, 2);

  function showSteps(figure, job) {
    const end = endOf(job);
    const { launched, completed, mostAhead, total } = zs.countSteps(job);
    const time = zs.time(end);
    const values = { launched: launched.length, completed: completed.length, ahead: mostAhead, time };
    const none = isOver(job) ? 'steps.unrecorded' : 'steps.none';
    figure.show({
      isEmpty: isOver(job) && !launched.length,
      sentence: launched.length ? zs.t('steps.sentence', values) : zs.t(none),
      head: [zs.t('steps.step'), zs.t('steps.launched'), zs.t('steps.completed')],
      rows: () => launched.map(([at], index) =>
        [String(index + 1), zs.time(at), zs.time(completed[index]?.[0])]),
      draw: (width) => {
        const most = Math.max(total, launched.length, 1);
        const axes = zs.axes(width, {
          x: { most: end, label: zs.t('plot.seconds'), write: writeSeconds },
          y: { most, label: zs.t('plot.steps'), isWhole: true, write: (n) => zs.number(n) },
          bands: bandsOf(job, end),
        });
        axes.add(
          zs.drawBetween(axes, launched, completed, end, 'ahead'),
          zs.drawStairs(axes, launched, end, 'launched'),
          zs.drawStairs(axes, completed, end, 'completed'),
        );
        return axes.root;
      },
    });
  }

  function sayBars(job) {
    if (!job.bar.length) return zs.t('bars.none');
    const own = zs.judgeOwnBar(job);
    if (!own) return zs.t(job.outcome === 'running' ? 'bars.running' : 'bars.unfinished');
    const stock = zs.judgeStockBar(job);
    if (!stock) return zs.t('bars.own', { own: zs.percent(own.worst), mean: zs.percent(own.mean) });
    return zs.t('bars.sentence', {
      own: zs.percent(own.worst), mean: zs.percent(own.mean), stock: zs.percent(stock.worst),
      stockMean: zs.percent(stock.mean), falls: zs.sayFalls(stock.falls),
    });
  }

  function showBars(figure, job) {
    const end = endOf(job);
    const isFinished = job.outcome === 'finished';
    figure.show({
      isEmpty: isOver(job) && !job.bar.length && !job.stock_bar.length,
      sentence: sayBars(job),
      kinds: new Set(['shown', job.stock_bar.length && 'stock', isFinished && 'true']),
      head: [zs.t('bars.time'), zs.t('bars.shown'), zs.t('bars.stock'), zs.t('bars.true')],
      rows: () => Array.from({ length: 21 }, (_none, index) => (index / 20) * end).map((at) => [
        zs.time(at), zs.percent(zs.shownAt(job.bar, at)), zs.percent(zs.shownAt(job.stock_bar, at)),
        isFinished ? zs.percent(at / end) : '–',
      ]),
      draw: (width) => {
        const axes = zs.axes(width, {
          x: { most: end, label: zs.t('plot.seconds'), write: writeSeconds },
          y: { most: 1, label: zs.t('plot.share'), write: (value) => zs.percent(value) },
          bands: bandsOf(job, end),
        });
        if (isFinished) axes.add(zs.drawLine(axes, [[0, 0], [end, 1]], 'true'));
        if (job.stock_bar.length) axes.add(zs.drawStairs(axes, job.stock_bar, end, 'stock'));
        if (job.bar.length) axes.add(zs.drawLine(axes, job.bar, 'shown'));
        return axes.root;
      },
    });
  }

  const timesOf = (steps) => steps.map((step) => step.seconds);
  const withoutCompiles = (steps) => steps.filter((step) => !step.isCompile);
  const kindOf = (step) => (step.isCompile ? 'compile' : step.isOutlier ? 'outlier' : 'usual');

  function sayTimes(steps, job) {
    if (!steps.length) return zs.t(isOver(job) ? 'times.unrecorded' : 'times.none');
    const median = zs.time(zs.median(timesOf(withoutCompiles(steps))));
    const longest = zs.time(Math.max(...timesOf(steps)));
    const compiled = steps.find((step) => step.isCompile);
    const outliers = steps.filter((step) => step.isOutlier).length;
    return zs.join(
      zs.t('times.sentence', { count: steps.length, median, longest }),
      compiled ? zs.t('times.compiled', { time: zs.time(compiled.seconds) }) : '',
      outliers ? zs.t(outliers === 1 ? 'times.one-outlier' : 'times.outliers', { count: outliers }) : '',
    );
  }

  /** The time that the plot ends at: a compile step that is far beyond the others is cut there. */
  function topOf(steps) {
    const usual = withoutCompiles(steps);
    const most = Math.max(...timesOf(usual.length ? usual : steps), 0.001);
    const longest = Math.max(most, ...timesOf(steps));
    const isCut = steps.some((step) => step.isCompile && step.seconds > CLIP_FACTOR * most);
    return isCut ? most * CLIP_FACTOR : longest;
  }

  function showTimes(figure, job) {
    const steps = zs.listSteps(job);
    const top = topOf(steps);
    figure.show({
      isEmpty: isOver(job) && !steps.length,
      sentence: sayTimes(steps, job),
      kinds: new Set(['usual', ...steps.map(kindOf)]),
      head: [zs.t('steps.step'), zs.t('times.phase'), zs.t('times.time'), zs.t('times.kind')],
      rows: () => steps.map((step) => [
        String(step.number), zs.phaseOf(step.part.phase, step.part.role), zs.time(step.seconds),
        zs.t(`times.${kindOf(step)}`),
      ]),
      draw: (width) => {
        const most = Math.max(steps.length, 1);
        const axes = zs.axes(width, {
          x: { most, label: zs.t('plot.step-number'), isWhole: true, write: (n) => zs.number(n) },
          y: { most: top, label: zs.t('plot.step-time'), write: (value) => zs.time(value) },
        });
        const pitch = axes.x(1) - axes.x(0);
        steps.forEach((step) => {
          const left = axes.x(step.number - 1) + pitch * 0.1;
          const height = Math.max(axes.bottom - axes.y(step.seconds), LEAST_BAR_PX);
          axes.add(zs.svg('rect', {
            class: `zs-step zs-${kindOf(step)}`, x: left, y: axes.bottom - height, width: pitch * 0.8, height,
          }));
          if (!step.isCompile && !step.isOutlier) return;
          // A bar that is cut at the top says its time beside it; the others have their mark above.
          const isCut = step.seconds > top;
          const mark = zs.svg('text', {
            class: 'zs-mark', x: left + pitch * (isCut ? 0.9 : 0.4) + (isCut ? 4 : 0),
            y: axes.bottom - height + (isCut ? 12 : -4), 'text-anchor': isCut ? 'start' : 'middle',
          });
          mark.textContent = isCut ? `↑ ${zs.time(step.seconds)}` : step.isCompile ? '▲' : '!';
          axes.add(mark);
        });
        return axes.root;
      },
    });
  }

  /** The plot stands behind another where the job has several cells, and nowhere where it has one. */
  function showCells(figure, job, other) {
    const cells = cellsOf(job, endOf(job));
    if (cells.length < 2) {
      figure.element.remove();
      return;
    }
    if (!figure.element.isConnected) other.element.after(figure.element);
    const lengths = cells.map(({ from, to }) => to - from);
    const longest = Math.max(...lengths, 0.001);
    figure.show({
      sentence: zs.t('cells.sentence', {
        count: cells.length, median: zs.time(zs.median(lengths)), longest: zs.time(longest),
      }),
      kinds: new Set(['usual']),
      head: [zs.t('cells.head'), zs.t('cells.began'), zs.t('cells.length')],
      rows: () => cells.map(({ from }, index) =>
        [String(index + 1), zs.time(from), zs.time(lengths[index])]),
      draw: (width) => {
        const axes = zs.axes(width, {
          x: { most: cells.length, label: zs.t('cells.head'), isWhole: true, write: (n) => zs.number(n) },
          y: { most: longest, label: zs.t('cells.length'), write: (value) => zs.time(value) },
        });
        const pitch = axes.x(1) - axes.x(0);
        lengths.forEach((length, index) => {
          const height = Math.max(axes.bottom - axes.y(length), LEAST_BAR_PX);
          axes.add(zs.svg('rect', {
            class: 'zs-step zs-usual', x: axes.x(index) + pitch * 0.1, y: axes.bottom - height,
            width: pitch * 0.8, height,
          }));
        });
        return axes.root;
      },
    });
  }

  function buildCosts() {
    const parts = ['wait', 'preview'].map((name) => {
      const value = zs.el('dd', {});
      const fill = zs.el('span', { class: 'zs-fill' });
      const element = zs.el(
        'div', { class: `zs-cost-${name}` }, zs.el('dt', { text: zs.t(`costs.${name}`) }), value,
        zs.el('div', { class: 'zs-cost-bar', 'aria-hidden': 'true' }, fill),
        zs.el('p', { class: 'zs-note', text: zs.t(`costs.${name}-note`) }),
      );
      return { name, value, fill, element };
    });
    const previewsOf = ({ previews }) =>
      (previews.length ? zs.t('costs.previews', { count: previews.length }) : '');
    return {
      element: zs.el(
        'div', { class: 'zs-costs' }, zs.el('h3', { text: zs.t('costs.title') }),
        zs.el('dl', {}, ...parts.map((part) => part.element)),
      ),
      show: (job) => parts.forEach(({ name, value, fill }) => {
        const spent = job[`${name}_s`];
        const share = spent === null || !(job.duration_s > 0) ? null : spent / job.duration_s;
        const said = `${zs.time(spent)} · ${zs.t('costs.share', { share: zs.percent(share) })}`;
        const count = name === 'preview' ? previewsOf(job) : '';
        zs.setText(value, share === null ? '–' : [said, count].filter(Boolean).join(' '));
        fill.style.transform = `scaleX(${Math.min(share ?? 0, 1)})`;
      }),
    };
  }

  /** The section of one job. `show(job)` takes an answer of jobs/{id}, null for none yet. */
  zs.buildJob = () => {
    const heading = zs.el('p', { class: 'zs-job-title' });
    const facts = zs.el('p', { class: 'zs-note' });
    const empty = zs.el('p', { class: 'zs-note', text: zs.t('job.none') });
    const buildFigure = (name, kinds) =>
      zs.plotFigure(name, zs.t(`${name}.title`), kinds.map((kind) => [kind, zs.t(`${name}.${kind}`)]));
    const steps = buildFigure('steps', ['launched', 'completed', 'ahead']);
    const bars = buildFigure('bars', ['shown', 'stock', 'true']);
    const times = buildFigure('times', ['usual', 'compile', 'outlier']);
    const cells = buildFigure('cells', ['usual']);
    const costs = buildCosts();
    const exports = zs.el('p', { class: 'zs-buttons zs-exports' });
    const body = zs.el(
      'div', { class: 'zs-job-body', hidden: true },
      facts, steps.element, bars.element, times.element, costs.element, exports,
    );
    let exported = null;
    return {
      element: zs.section('job', zs.t('job.title'), heading, empty, body),
      update: (status) => {
        zs.setText(empty, zs.t(status?.is_acting === false ? 'job.none-followed' : 'job.none'));
      },
      show: (job) => {
        empty.hidden = Boolean(job);
        body.hidden = !job;
        const title = zs.said(job?.title) || zs.t('job.untitled');
        zs.setText(heading, job ? `${zs.clock(job.began_at_s)} · ${title}` : '');
        if (!job) return;
        zs.setText(facts, [
          zs.outcomeOf(job), job.duration_s !== null && zs.time(job.duration_s), job.model, job.device,
          job.mode && zs.modeOf(job.mode), job.rung && zs.rungOf(job.rung),
          job.profile && zs.t('job.profile', { name: job.profile, reason: zs.said(job.profile_reason) }),
          zs.said(job.notice),
        ].filter(Boolean).join(' · '));
        showSteps(steps, job);
        showBars(bars, job);
        showCells(cells, job, bars);
        showTimes(times, job);
        costs.show(job);
        if (exported !== job.id) {
          exported = job.id;
          const path = `jobs/${encodeURIComponent(job.id)}/trace`;
          exports.replaceChildren(
            zs.download(zs.t('job.export-json'), `${path}?format=json`, `zluda-sync-job-${job.id}.json`),
            zs.download(
              zs.t('job.export-chrome'), `${path}?format=chrome`, `zluda-sync-job-${job.id}-perfetto.json`,
            ),
          );
        }
      },
    };
  };
})();
