// The status as this page knows it, and which tab of the browser gets it from the server for all of them.
//
// A browser opens six connections to a server and no more: with a stream for each tab none is left for the
// seventh, and all of them stand still. So the tabs share: the one that was looked at last leads, which is to
// hold a lock of the browser, and passes on what it hears. Over plain http to another machine browsers have
// no locks: then the tab with the focus has the only stream, and the others ask from time to time.
(() => {
  const zs = (window.zludaSync ??= {});
  const LOOK_MS = 1000;
  const FRESH_MS = 1500;

  const listeners = [];
  let lastStatus = null;
  let toldAt = 0;
  let isGone = false;
  let isUnloaded = false;
  let connection = null;
  let channel = null; // between the tabs
  let turn = null; // this tab leads, or waits for that; null while it wants nothing
  let isRefused = false; // a page in a frame without an origin of its own gets no locks

  const isSeen = () => document.visibilityState === 'visible';
  const canShare = () => !isRefused && Boolean(navigator.locks) && typeof BroadcastChannel === 'function';
  const isLeading = () => Boolean(turn?.release);
  const name = () => `zluda-sync ${zs.base}`;

  /** Tell the page of a status, null while SD.Next does not answer. */
  function tell(status, isOut = false) {
    isGone = !status;
    isUnloaded = isGone && isOut;
    if (status) {
      lastStatus = status;
      toldAt = Date.now();
    }
    listeners.forEach((listen) => listen(status));
    if (!zs.isLiveWanted()) leaveTurn(); // an extra was switched off
  }

  function passOn(news) {
    if (isLeading()) channel?.postMessage({ ...news, isHidden: !isSeen() });
  }

  function hearServer(news) {
    if (news.status !== undefined) tell(news.status, news.isUnloaded);
    passOn(news);
  }

  function hearTab({ data }) {
    if (data.asks && lastStatus) passOn({ status: lastStatus });
    if (data.asks || isLeading()) return;
    if (turn) turn.heardAt = Date.now();
    const { status, isHidden, isUnloaded: isOut } = data;
    const isOfUse = zs.isLiveWanted() || status?.page?.favicon || status?.page?.notification;
    if (status !== undefined && isOfUse) tell(status, isOut);
    // One that is hidden is slowed down by the browser; and an extra may just have been switched on.
    if (isHidden && isSeen() ? !turn?.isUrgent : !turn) refresh();
  }

  /** Wait to lead, or lead at once in the place of whoever does. */
  function takeTurn(isUrgent) {
    leaveTurn();
    const own = { release: null, isUrgent, abort: new AbortController(), heardAt: Date.now(), watch: null };
    turn = own;
    const leadNow = () => {
      if (turn !== own) return undefined;
      clearInterval(own.watch);
      const isOver = new Promise((release) => { own.release = release; });
      connection.open();
      return isOver;
    };
    const options = isUrgent ? { steal: true } : { signal: own.abort.signal };
    const lead = navigator.locks.request(name(), options, leadNow);
    lead.catch((error) => { isRefused ||= error.name !== 'AbortError'; }).then(() => {
      if (turn !== own) return;
      leaveTurn(); // another tab leads now
      if (isRefused) refresh();
      else if (zs.isLiveWanted()) takeTurn(false);
    });
    if (isUrgent) return;
    channel.postMessage({ asks: true });
    // A browser may put the leading tab to sleep. Not all that notice it are to lead at the same moment.
    const limit = zs.SILENCE_LIMIT_MS * (1 + Math.random() / 2);
    own.watch = setInterval(() => Date.now() - own.heardAt > limit && takeTurn(true), LOOK_MS);
  }

  function leaveTurn() {
    const left = turn;
    turn = null;
    clearInterval(left?.watch);
    left?.abort.abort();
    left?.release?.();
    connection.close();
  }

  function openChannel() {
    if (channel || !canShare()) return;
    channel = new BroadcastChannel(name());
    channel.addEventListener('message', hearTab);
  }

  function refresh() {
    openChannel();
    if (!zs.isLiveWanted()) leaveTurn();
    else if (!canShare()) connection.reopen();
    else if (isSeen() ? !isLeading() && !turn?.isUrgent : !turn) takeTurn(isSeen());
  }

  zs.startLive = () => {
    connection = zs.buildConnection({
      mayOpen: () => zs.isLiveWanted() && (!canShare() || isLeading()),
      mayStream: () => (canShare() ? isLeading() : isSeen() && document.hasFocus()),
      hear: hearServer,
    });
    document.addEventListener('visibilitychange', refresh);
    window.addEventListener('focus', refresh);
    window.addEventListener('blur', refresh);
    window.addEventListener('pageshow', refresh);
    window.addEventListener('pagehide', () => {
      leaveTurn();
      channel?.close();
      channel = null;
    });
    openChannel();
  };

  /** Call with each new status, null while SD.Next does not answer. */
  zs.onStatus = (listen) => listeners.push(listen);
  /** Connect, or not, by what is wanted now. */
  zs.refreshLive = refresh;
  /** Take in a status that was asked for beside the connection. */
  zs.tellStatus = (status) => hearServer({ status });
  zs.currentStatus = () => lastStatus;
  /** Whether SD.Next has stopped to answer; what is known is of before then. */
  zs.isGone = () => isGone;
  /** Why nothing is heard, as a text's key: SD.Next does not answer, or does so without the extension. */
  zs.whyGone = () => (isUnloaded ? 'now.unloaded' : 'now.gone');
  /** The job as it was told a moment ago; null where there is none, or the news are old. */
  zs.freshJob = () => (Date.now() - toldAt < FRESH_MS ? lastStatus.job : null);
  /** Whether this tab is the one that speaks for all of this browser, as notifications do. */
  zs.speaksForAll = () => !canShare() || isLeading();
  zs.liveKind = () => connection?.kind() ?? (turn ? 'shared' : 'none');
})();
