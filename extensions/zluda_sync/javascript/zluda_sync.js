// The panel "ZLUDA Sync": finds its place on the page, puts its sections there and keeps them up to date.
// Plain scripts in one namespace, window.zludaSync, in any order: nothing runs before the page is there.
(() => {
  const zs = (window.zludaSync ??= {});
  const ROOT_ID = 'zluda-sync-panel';
  const RUNNING_REFRESH_MS = 2000;
  const INKS = ['--zs-muted', '--zs-blue', '--zs-orange', '--zs-red'];
  const LEAST_CONTRAST = 5; // 4.5 is wanted, also where a selected row is a little darker

  let panel = null;
  let isInView = false;
  zs.isLiveWanted = () => (document.visibilityState === 'visible' && isInView) || zs.wantsExtras();

  /** Make the panel. Its elements outlive the place that they stand in: what was typed survives a new page part. */
  function buildPanel() {
    let jobs = [];
    let selfTest = null;
    let pinned = null; // the job that the user has chosen, null for the newest
    let shownJob = null;
    let lastFinished = null;
    let runningId = null;
    let refreshedAt = 0;

    const now = zs.buildNow();
    const verdict = zs.buildVerdict();
    const job = zs.buildJob();
    const history = zs.buildHistory((id) => {
      pinned = id;
      refreshJobs();
      if (id !== null) job.element.scrollIntoView({ block: 'start' });
    });
    const selfTesting = zs.buildSelfTest((answer) => {
      selfTest = answer;
      verdict.update(zs.currentStatus(), selfTest, lastFinished);
    });
    const profiles = zs.buildProfiles();
    const extras = zs.buildExtras();

    async function loadJob(id) {
      const answer = await zs.ask('GET', `jobs/${encodeURIComponent(id)}`);
      return answer.ok ? answer.data : null;
    }

    async function refreshJobs() {
      refreshedAt = Date.now();
      const answer = await zs.ask('GET', `jobs?limit=${history.limit}`);
      if (answer.ok) jobs = answer.data.jobs;
      if (pinned && !jobs.some((one) => one.id === pinned)) pinned = null;
      const wanted = pinned ?? jobs[0]?.id ?? null;
      history.show(jobs, wanted, pinned !== null);
      if (wanted !== null) shownJob = (await loadJob(wanted)) ?? shownJob;
      if (wanted === (pinned ?? jobs[0]?.id ?? null)) job.show(shownJob);
      const newest = jobs.find((one) => one.outcome !== 'running');
      if (newest && newest.id !== lastFinished?.id) {
        lastFinished = shownJob?.id === newest.id ? shownJob : await loadJob(newest.id);
      }
      verdict.update(zs.currentStatus(), selfTest, lastFinished);
    }

    function update(status) {
      now.update(status);
      job.update(status);
      verdict.update(status, selfTest, lastFinished);
      selfTesting.update(status);
      extras.update(status);
      const id = status?.job?.id ?? null;
      const isDue = id !== null && Date.now() - refreshedAt > RUNNING_REFRESH_MS;
      if (status && isInView && document.visibilityState === 'visible' && (id !== runningId || isDue)) {
        runningId = id;
        refreshJobs();
      }
    }

    const columns = zs.el(
      'div', { class: 'zs-columns' }, now.element, verdict.element, job.element, history.element, selfTesting.element,
      profiles.element, extras.element,
    );
    return {
      element: zs.el('div', { class: 'zs', lang: zs.language() }, columns),
      language: zs.language(),
      update,
      load: () => {
        selfTesting.load();
        profiles.load();
        refreshJobs();
      },
    };
  }

  // Ink is chosen by what lies behind it: hosts and their themes call light and dark by many names.
  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return colour.startsWith('color(srgb') ? [...parts.slice(0, 3).map((part) => part * 255), parts[3] ?? 1] : [...parts.slice(0, 3), parts[3] ?? 1];
  };
  const luminance = ([red, green, blue]) => [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);

  /** The colour behind an element, with all that shines through. */
  zs.backgroundOf = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const layer = parse(getComputedStyle(one).backgroundColor);
      layers.push(layer);
      if (layer[3] >= 1) break;
    }
    const page = matchMedia('(prefers-color-scheme: dark)').matches && document.body.classList.contains('dark') ? [0, 0, 0] : [255, 255, 255];
    return layers.reverse().reduce((below, [red, green, blue, alpha]) =>
      [red, green, blue].map((part, index) => part * alpha + below[index] * (1 - alpha)), page);
  };
  zs.contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  function chooseInk() {
    const { element } = panel;
    if (!element.isConnected) return;
    delete element.dataset.surface;
    const card = element.querySelector('.zs-card');
    element.dataset.tone = luminance(zs.backgroundOf(card)) > 0.18 ? 'light' : 'dark';
    const style = getComputedStyle(element);
    const inks = INKS.map((name) => style.getPropertyValue(name).match(/[\da-f]{2}/gi).map((part) => parseInt(part, 16)));
    const least = Math.min(...inks.map((ink) => zs.contrast(ink, zs.backgroundOf(card))));
    if (least < LEAST_CONTRAST) element.dataset.surface = 'own';
  }

  const viewer = new IntersectionObserver((entries) => {
    const wasInView = isInView;
    isInView = entries[entries.length - 1].isIntersecting;
    if (isInView && !wasInView) {
      chooseInk();
      panel.load();
    }
    zs.refreshLive();
  });

  function mount() {
    const root = document.getElementById(ROOT_ID);
    if (!root) return;
    const isStale = panel && panel.language !== zs.language();
    if (panel && !isStale && root.contains(panel.element)) return;
    if (!panel || isStale) {
      if (panel) viewer.unobserve(panel.element);
      panel = buildPanel();
      viewer.observe(panel.element);
      if (isStale) panel.load();
      if (zs.currentStatus()) panel.update(zs.currentStatus());
    }
    root.replaceChildren(panel.element);
    chooseInk();
  }

  async function start() {
    zs.startExtras();
    zs.startLive();
    zs.onStatus((status) => {
      mount();
      panel?.update(status);
    });
    // The host makes the tab late, some hosts only when it is opened, and may make it again at any time.
    let isDue = false;
    new MutationObserver(() => {
      if (isDue) return;
      isDue = true;
      setTimeout(() => {
        isDue = false;
        mount();
      }, 200);
    }).observe(document.documentElement, { childList: true, subtree: true });
    new MutationObserver(() => panel && chooseInk()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => panel && chooseInk());
    mount();
    const answer = await zs.ask('GET', 'status'); // says whether an extra is wanted before the panel is opened
    if (answer.ok) zs.tellStatus(answer.data);
    zs.refreshLive();
  }

  // Hosts bring the other scripts before this one, after it, or long after the page is complete.
  const NEEDED = [
    'el', 'ask', 't', 'countSteps', 'axes', 'buildNow', 'buildJob', 'buildHistory', 'buildSelfTest', 'buildField',
    'buildProfiles', 'buildRules', 'startExtras', 'startLive',
  ];
  const startWhenWhole = () => {
    if (document.body && NEEDED.every((name) => name in zs)) start();
    else setTimeout(startWhenWhole, 50);
  };
  startWhenWhole();
})();
