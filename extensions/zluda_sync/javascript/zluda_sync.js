// The panel "ZLUDA Sync": finds its place on the page, puts its sections there and keeps them up to date.
//
// Plain scripts in one namespace, window.zludaSync. Hosts load each by itself, some in any order: a script
// only makes its functions known, and this one starts when all of them are there.
(() => {
  // One name of each script: hosts bring them before this one, after it, or long after the page is complete.
  const NEEDED = [
    'ask', 'axes', 'buildBar', 'buildCheck', 'buildConnection', 'buildControls', 'buildField',
    'buildHistory', 'buildJob', 'buildNews', 'buildNow', 'buildProfiles', 'buildReport', 'buildRules',
    'buildSelfTest', 'buildSpeeds', 'buildVerdict', 'chooseInk', 'countSteps', 'dressTab', 'el',
    'startEstimate', 'startExtras', 'startLive', 't', 'translateSettings', 'watchButtons',
  ];
  const isWhole = (made) => NEEDED.every((name) => name in made) && Boolean(made.words?.en);

  // Installed in both ways, a page gets every script twice. The server uses the first copy, and so does the
  // page: what the scripts of the second make known stays apart.
  if (window.zludaSync?.hasMain) {
    if (isWhole(window.zludaSync)) window.zludaSync = {};
    return;
  }

  const zs = (window.zludaSync ??= {});
  zs.hasMain = true;
  const ROOT_ID = 'zluda-sync-panel';
  const RUNNING_REFRESH_MS = 2000;

  let panel = null;
  let isInView = false;
  // One on SD.Next's button may be the first that is followed; one that was told of is followed to its end.
  const isJobOnPage = () => zs.isGenerating() || Boolean(zs.currentStatus()?.job);
  const isWantedInSight = () => isInView || zs.wantsBar() || isJobOnPage();
  zs.isLiveWanted = () => (
    (document.visibilityState === 'visible' && isWantedInSight()) || zs.wantsExtras()
  );

  /** Make the panel. It outlives the place that it stands in, so that what was typed survives a new one. */
  function buildPanel() {
    let jobs = [];
    let selfTest = null;
    let pinned = null; // the job that the user has chosen, null for the newest
    let shownJob = null;
    let lastFinished = null;
    let runningId = null;
    let refreshedAt = 0;
    let wasGone = false;

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
      if (zs.currentStatus() && !zs.isGone()) now.update(zs.currentStatus(), selfTest);
      verdict.update(zs.currentStatus(), selfTest, lastFinished);
    });
    const check = zs.buildCheck();
    const report = zs.buildReport();
    const profiles = zs.buildProfiles();
    const extras = zs.buildExtras();
    const news = zs.buildNews();

    async function loadJob(id) {
      const answer = await zs.ask('GET', `jobs/${encodeURIComponent(id)}`);
      return answer.ok ? answer.data : null;
    }

    const wantedJob = () => pinned ?? jobs[0]?.id ?? null;

    async function refreshJobs() {
      refreshedAt = Date.now();
      const answer = await zs.ask('GET', `jobs?limit=${history.limit}`);
      if (answer.ok) jobs = answer.data.jobs;
      if (pinned && !jobs.some((one) => one.id === pinned)) pinned = null;
      const wanted = wantedJob();
      history.show(jobs, wanted, pinned !== null);
      if (wanted !== null) shownJob = (await loadJob(wanted)) ?? shownJob;
      if (wanted === wantedJob()) job.show(shownJob);
      const newest = jobs.find((one) => one.outcome !== 'running');
      if (newest && newest.id !== lastFinished?.id) {
        lastFinished = shownJob?.id === newest.id ? shownJob : await loadJob(newest.id);
        history.refreshSpeeds();
      }
      verdict.update(zs.currentStatus(), selfTest, lastFinished);
    }

    function update(status) {
      now.update(status, selfTest);
      job.update(status);
      verdict.update(status, selfTest, lastFinished);
      selfTesting.update(status);
      extras.update(status);
      if (zs.isGone() !== wasGone) { // a job that runs is one that did when it was last heard of, or again
        wasGone = zs.isGone();
        history.show(jobs, wantedJob(), pinned !== null);
        job.show(shownJob);
      }
      const id = status?.job?.id ?? null;
      const isDue = id !== null && Date.now() - refreshedAt > RUNNING_REFRESH_MS;
      if (status && isInView && document.visibilityState === 'visible' && (id !== runningId || isDue)) {
        runningId = id;
        refreshJobs();
      }
    }

    const sections = [now, verdict, job, history, selfTesting, check, report, profiles, extras];
    const columns = zs.el('div', { class: 'zs-columns' }, ...sections.map((section) => section.element));
    return {
      element: zs.el('div', { class: 'zs', lang: zs.language() }, columns, news.element),
      language: zs.language(),
      update,
      load: () => {
        selfTesting.load();
        check.load();
        profiles.load();
        news.load();
        refreshJobs();
      },
    };
  }

  const viewer = new IntersectionObserver((entries) => {
    const wasInView = isInView;
    isInView = entries[entries.length - 1].isIntersecting;
    if (isInView && !wasInView) {
      zs.chooseInk(panel.element);
      panel.load();
    }
    zs.refreshLive();
  });

  function mount() {
    zs.dressTab();
    zs.updateAfterImage(zs.currentStatus()); // with each status; and SD.Next's buttons may come later
    zs.watchButtons(zs.refreshLive);
    zs.translateSettings();
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
    zs.chooseInk(panel.element);
  }

  async function start() {
    zs.bringStyle();
    zs.startExtras();
    zs.startLive();
    zs.startEstimate();
    zs.startBar();
    zs.onSummary(() => panel?.update(zs.currentStatus()));
    zs.onStatus((status) => {
      mount();
      panel?.update(status);
      zs.refreshButtons();
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
    const themeHasChanged = () => panel && zs.chooseInk(panel.element);
    const bodyClass = { attributes: true, attributeFilter: ['class'] };
    new MutationObserver(themeHasChanged).observe(document.body, bodyClass);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', themeHasChanged);
    mount();
    const answer = await zs.ask('GET', 'status'); // an extra may be wanted before the panel is opened
    if (answer.ok) zs.tellStatus(answer.data);
    zs.refreshLive();
  }

  const startWhenWhole = () => {
    if (document.body && isWhole(zs)) start();
    else setTimeout(startWhenWhole, 50);
  };
  startWhenWhole();
})();
