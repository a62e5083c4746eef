// How the status reaches the page: by one connection, which one tab of the browser holds for all of them.
//
// A browser opens six connections to a server and no more: a stream for each tab leaves none for the seventh, and
// all of them stand still. So the tabs share: the one that was looked at last leads, which is to hold a lock of the
// browser, and passes on what it hears. Over plain http to another machine browsers have no locks: then the tab
// with the focus has the stream, of which there is one, and the others ask from time to time.
(() => {
  const zs = (window.zludaSync ??= {});
  const POLL_MS = 1000;
  const HIDDEN_POLL_MS = 5000;
  const FIRST_EVENT_LIMIT_MS = 6000; // the first status comes at once; a proxy that holds it back holds back all
  const SILENCE_LIMIT_MS = 40000; // a heartbeat comes every 15 s
  const RETRY_STREAM_MS = 60000;
  const LOOK_MS = 1000;

  const listeners = [];
  const live = { stream: null, timer: null, watch: null, heardAt: 0, failedAt: 0, status: null, isConnecting: false };

  const isSeen = () => document.visibilityState === 'visible';
  let isRefused = false; // a page in a frame without an origin of its own gets no locks
  const canShare = () => !isRefused && Boolean(navigator.locks) && typeof BroadcastChannel === 'function';
  const mayStream = () => (canShare() ? isLeading() : isSeen() && document.hasFocus());

  // The connection.

  /** Take in a status, null while SD.Next does not answer, and pass it on. */
  function tell(status) {
    live.heardAt = Date.now();
    hear(status);
    passOn({ status });
  }

  function hear(status) {
    if (status) live.status = status;
    listeners.forEach((listen) => listen(status));
    if (!zs.isLiveWanted()) leave(); // an extra was switched off
  }

  async function poll() {
    const answer = await zs.ask('GET', 'status');
    if (!live.timer) return;
    tell(answer.ok ? answer.data : null);
    if (!live.timer) return;
    if (live.failedAt && Date.now() - live.failedAt > RETRY_STREAM_MS && mayStream()) {
      disconnect();
      connect();
    } else live.timer = setTimeout(poll, isSeen() ? POLL_MS : HIDDEN_POLL_MS);
  }

  /** Ask from time to time. `hasFailed`: because a stream does not get through; that is tried again. */
  function startPolling(hasFailed) {
    disconnect();
    live.failedAt = hasFailed ? Date.now() : 0;
    live.timer = setTimeout(poll, 0);
  }

  function startStream() {
    const began = Date.now();
    live.heardAt = 0;
    live.stream = new EventSource(zs.address('events'));
    live.stream.addEventListener('status', (event) => tell(JSON.parse(event.data)));
    live.stream.addEventListener('heartbeat', () => {
      live.heardAt = Date.now();
      passOn({});
    });
    live.stream.addEventListener('error', () => {
      if (live.stream?.readyState === EventSource.CLOSED) startPolling(true);
    });
    live.watch = setInterval(() => {
      const isLate = live.heardAt
        ? Date.now() - live.heardAt > SILENCE_LIMIT_MS : Date.now() - began > FIRST_EVENT_LIMIT_MS;
      if (isLate) startPolling(true);
    }, LOOK_MS);
  }

  async function connect() {
    if (live.stream || live.timer || live.isConnecting) return;
    live.isConnecting = true;
    const isGuarded = await zs.needsCredentials();
    live.isConnecting = false;
    if (!zs.isLiveWanted() || (canShare() && !isLeading()) || live.stream || live.timer) return;
    if (isGuarded || !mayStream()) startPolling(false); // EventSource cannot send credentials
    else startStream();
  }

  function disconnect() {
    live.stream?.close();
    clearTimeout(live.timer);
    clearInterval(live.watch);
    Object.assign(live, { stream: null, timer: null, watch: null, failedAt: 0 });
  }

  // The tabs. `turn`: this tab leads, or waits for that; null while it wants nothing.

  let channel = null;
  let turn = null;
  const isLeading = () => Boolean(turn?.release);
  const name = () => `zluda-sync ${zs.base}`;

  function passOn(news) {
    if (isLeading()) channel?.postMessage({ ...news, isHidden: !isSeen() });
  }

  function hearLeader({ data }) {
    if (data.asks && live.status) passOn({ status: live.status });
    if (data.asks || isLeading()) return;
    if (turn) turn.heardAt = Date.now();
    const { status, isHidden } = data;
    const isOfUse = zs.isLiveWanted() || status?.page?.favicon || status?.page?.notification;
    if (status !== undefined && isOfUse) hear(status);
    // One that is hidden is slowed down by the browser; and an extra may just have been switched on.
    if (isHidden && isSeen() ? !turn?.isUrgent : !turn) refresh();
  }

  /** Wait to lead, or lead at once in the place of whoever does. */
  function take(isUrgent) {
    leave();
    const own = { release: null, isUrgent, abort: new AbortController(), heardAt: Date.now(), watch: null };
    turn = own;
    const leadNow = () => {
      if (turn !== own) return undefined;
      clearInterval(own.watch);
      const isOver = new Promise((release) => { own.release = release; });
      connect();
      return isOver;
    };
    const options = isUrgent ? { steal: true } : { signal: own.abort.signal };
    const lead = navigator.locks.request(name(), options, leadNow);
    lead.catch((error) => { isRefused ||= error.name !== 'AbortError'; }).then(() => {
      if (turn !== own) return;
      leave(); // another tab leads now
      if (isRefused) refresh();
      else if (zs.isLiveWanted()) take(false);
    });
    if (isUrgent) return;
    channel.postMessage({ asks: true });
    // A browser may put the leading tab to sleep. Not all that notice it are to lead at the same moment.
    const limit = SILENCE_LIMIT_MS * (1 + Math.random() / 2);
    own.watch = setInterval(() => Date.now() - own.heardAt > limit && take(true), LOOK_MS);
  }

  function leave() {
    const left = turn;
    turn = null;
    clearInterval(left?.watch);
    left?.abort.abort();
    left?.release?.();
    disconnect();
  }

  function openChannel() {
    if (channel || !canShare()) return;
    channel = new BroadcastChannel(name());
    channel.addEventListener('message', hearLeader);
  }

  function refresh() {
    openChannel();
    if (!zs.isLiveWanted()) leave();
    else if (!canShare()) {
      if (Boolean(live.stream) !== mayStream() && !live.failedAt) disconnect();
      connect();
    } else if (isSeen() ? !isLeading() && !turn?.isUrgent : !turn) take(isSeen());
  }

  zs.startLive = () => {
    document.addEventListener('visibilitychange', refresh);
    window.addEventListener('focus', refresh);
    window.addEventListener('blur', refresh);
    window.addEventListener('pageshow', refresh);
    window.addEventListener('pagehide', () => {
      leave();
      channel?.close();
      channel = null;
    });
    openChannel();
  };

  /** Call with each new status, null while SD.Next does not answer. */
  zs.onStatus = (listen) => listeners.push(listen);
  zs.refreshLive = refresh;
  zs.tellStatus = tell;
  zs.currentStatus = () => live.status;
  /** Whether this tab is the one that speaks for all of this browser, as notifications do. */
  zs.speaksForAll = () => !canShare() || isLeading();
  zs.liveKind = () => (live.stream ? 'events' : live.timer ? 'polling' : turn ? 'shared' : 'none');
})();
