// The last jobs that the server remembers, how fast Stop was, and how fast each model.
(() => {
  const zs = (window.zludaSync ??= {});
  const MOST_JOBS = 50; // in the list; it is asked for again and again while a job runs
  const ALL_JOBS = 200;

  const buttonsOf = (rows) => [...rows.querySelectorAll('.zs-row-button')];

  /** `choose(id)` is called with the job that the user wants to see, null for the newest. */
  zs.buildHistory = (choose) => {
    const head = ['began', 'job', 'outcome', 'time', 'steps', 'step-time', 'mode', 'source'];
    const table = zs.table(zs.t('history.title'), head.map((name) => zs.t(`history.${name}`)), []);
    let body = table.querySelector('tbody');
    const empty = zs.el('p', { class: 'zs-note', text: zs.t('history.none') });
    const follow = zs.button(zs.t('history.follow'), () => choose(null), { hidden: true });
    const save = zs.button(zs.t('history.export'), exportAll);
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const stops = zs.el('div', { class: 'zs-stops' });
    const speeds = zs.buildSpeeds();
    let shown = '';

    async function exportAll() {
      save.disabled = true;
      zs.setText(failure, '');
      const list = await zs.ask('GET', `jobs?limit=${ALL_JOBS}`);
      const jobs = [];
      for (const { id } of list.data?.jobs ?? []) {
        const answer = await zs.ask('GET', `jobs/${encodeURIComponent(id)}`);
        if (answer.ok) jobs.push(answer.data);
      }
      save.disabled = false;
      if (list.ok) {
        const written = JSON.stringify({ jobs }, null, 1);
        zs.save(new Blob([written], { type: 'application/json' }), 'zluda-sync-jobs.json');
      } else zs.setText(failure, zs.sayRefusals(list));
    }

    // Of a job that was lost, only that it began was written down.
    const wordsOf = (job) => [
      zs.said(job.title) || zs.t('job.untitled'), zs.outcomeOf(job), zs.time(job.duration_s),
      job.outcome === 'lost' ? '–' : String(job.steps ?? '–'), zs.time(job.median_step_s),
      (job.mode && zs.modeOf(job.mode)) || '–', zs.sourceOf(job.source),
    ];

    function buildRow(job) {
      // The button carries keyboard and screen reader; the row around it is only a larger target for a mouse.
      const show = zs.el('button', {
        type: 'button', class: 'zs-row-button', text: zs.clock(job.began_at_s), 'data-job': job.id,
      });
      return zs.el('tr', { on: { click: () => choose(job.id) } }, ...zs.cells([show, ...wordsOf(job)]));
    }

    /** A row stays the same element while its job runs: one made anew would lose a click, and the focus. */
    function showRows(jobs) {
      const known = new Map(buttonsOf(body).map((button) => [button.dataset.job, button.closest('tr')]));
      const rows = jobs.map((job) => {
        const row = known.get(job.id) ?? buildRow(job);
        wordsOf(job).forEach((words, index) => zs.setText(row.cells[index + 1], words));
        return row;
      });
      // The first ones come in one piece: SD.Next goes over its headings once for each element that comes.
      const place = known.size ? body : zs.el('tbody');
      [...place.rows].filter((row) => !rows.includes(row)).forEach((row) => row.remove());
      rows.forEach((row, index) => {
        if (place.rows[index] !== row) place.insertBefore(row, place.rows[index] ?? null);
      });
      if (place !== body) body.replaceWith(place);
      body = place;
    }

    function mark(selected) {
      buttonsOf(body).forEach((button) => {
        const isSelected = button.dataset.job === selected;
        button.setAttribute('aria-current', String(isSelected)); // another press does not take it back
        button.closest('tr').classList.toggle('zs-selected', isSelected);
      });
    }

    table.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const buttons = buttonsOf(body);
      buttons[buttons.indexOf(document.activeElement) + step]?.focus();
      event.preventDefault();
    });

    function showStops(jobs) {
      const groups = zs.groupStops(jobs);
      if (!groups.length) {
        stops.replaceChildren(zs.el('p', { class: 'zs-note', text: zs.t('stops.none') }));
        return;
      }
      const columns = ['phase', 'count', 'acknowledged', 'ended', 'longest', 'launched', 'queued'];
      const rows = groups.map((group) => [
        zs.phaseOf(group.phase, group.role), String(group.count),
        zs.time(group.acknowledged_s), zs.time(group.ended_s), zs.time(group.longest_s),
        String(group.launched ?? '–'), String(group.queued ?? '–'),
      ]);
      const words = columns.map((name) => zs.t(`stops.${name}`));
      stops.replaceChildren(zs.table(zs.t('stops.title'), words, rows));
    }

    return {
      limit: MOST_JOBS,
      element: zs.section(
        'history', zs.t('history.title'), empty, table,
        zs.el('p', { class: 'zs-buttons' }, follow, save), failure,
        zs.el('h3', { text: zs.t('stops.title') }), stops,
        zs.el('h3', { text: zs.t('speeds.title') }), speeds.element,
      ),
      /** A job has ended, or the panel is looked at: go through all that are remembered. */
      refreshSpeeds: async () => {
        const answer = await zs.ask('GET', `jobs?limit=${ALL_JOBS}`);
        if (answer.ok) speeds.show(answer.data.jobs);
      },
      show: (jobs, selected, isPinned) => {
        const written = JSON.stringify([jobs, zs.isGone()]);
        if (written !== shown) {
          shown = written;
          showRows(jobs);
          showStops(jobs);
        }
        empty.hidden = jobs.length > 0;
        table.hidden = !jobs.length;
        save.disabled = !jobs.length;
        follow.hidden = !isPinned;
        mark(selected);
      },
    };
  };
})();
