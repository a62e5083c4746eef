// The connection of one tab to the server: a stream of events, or polling where none gets through.
(() => {
  const zs = (window.zludaSync ??= {});
  const POLL_MS = 1000;
  const HIDDEN_POLL_MS = 5000;
  const FIRST_EVENT_LIMIT_MS = 6000; // it comes at once; a proxy that holds it back holds back all
  const RETRY_STREAM_MS = 60000;
  const LOOK_MS = 1000;

  /** A heartbeat comes every 2 s; after so long a silence there is nobody any more. */
  zs.SILENCE_LIMIT_MS = 5000;
  const ANSWER_LIMIT_MS = 4000; // an answer that takes longer is none

  /**
   * Make the connection; it is closed until `open()` is called.
   * `mayOpen()`, `mayStream()`: whether this tab is to be connected now, and by a stream.
   * `hear(news)` is called with {status}, null while SD.Next does not answer, and with {} for a sign of life.
   * `isUnloaded` beside a null: SD.Next answers, and knows nothing of this extension any more.
   */
  zs.buildConnection = ({ mayOpen, mayStream, hear }) => {
    let stream = null;
    let streamWatch = null;
    let pollTimer = null;
    let heardAt = 0;
    let failedAt = 0; // when a stream did not get through, 0 if none was tried or it did
    let isOpening = false;

    function hearSign(news) {
      heardAt = Date.now();
      hear(news);
    }

    const newsOf = (answer) => (
      { status: answer.ok ? answer.data : null, isUnloaded: answer.status === 404 }
    );

    async function poll() {
      const answer = await zs.ask('GET', 'status', undefined, ANSWER_LIMIT_MS);
      if (!pollTimer) return;
      hearSign(newsOf(answer));
      if (!pollTimer) return;
      if (failedAt && Date.now() - failedAt > RETRY_STREAM_MS && mayStream()) {
        close();
        open();
      } else pollTimer = setTimeout(poll, document.visibilityState === 'visible' ? POLL_MS : HIDDEN_POLL_MS);
    }

    /** Ask from time to time. `hasFailed`: because a stream does not get through; that is tried again. */
    function startPolling(hasFailed) {
      close();
      failedAt = hasFailed ? Date.now() : 0;
      pollTimer = setTimeout(poll, 0);
    }

    function startStream() {
      const began = Date.now();
      heardAt = 0;
      stream = new EventSource(zs.address('events'));
      stream.addEventListener('status', (event) => hearSign({ status: JSON.parse(event.data) }));
      stream.addEventListener('heartbeat', () => hearSign({}));
      stream.addEventListener('error', () => {
        if (stream?.readyState === EventSource.CLOSED) startPolling(true);
        else if (heardAt) lookAfter(stream);
      });
      streamWatch = setInterval(() => {
        const isLate = heardAt
          ? Date.now() - heardAt > zs.SILENCE_LIMIT_MS : Date.now() - began > FIRST_EVENT_LIMIT_MS;
        if (isLate) startPolling(true);
      }, LOOK_MS);
    }

    /** The stream has ended, as each does after a while: is anybody there to open another? */
    async function lookAfter(ended) {
      const answer = await zs.ask('GET', 'status', undefined, ANSWER_LIMIT_MS);
      if (!answer.ok && stream === ended) hear(newsOf(answer));
    }

    async function open() {
      if (stream || pollTimer || isOpening) return;
      isOpening = true;
      const isGuarded = await zs.needsCredentials();
      isOpening = false;
      if (!mayOpen() || stream || pollTimer) return;
      if (isGuarded || !mayStream()) startPolling(false); // EventSource cannot send credentials
      else startStream();
    }

    function close() {
      stream?.close();
      clearTimeout(pollTimer);
      clearInterval(streamWatch);
      stream = null;
      streamWatch = null;
      pollTimer = null;
      failedAt = 0;
    }

    return {
      open,
      close,
      /** Open, or go over between stream and polling where what this tab may do has changed. */
      reopen: () => {
        if (Boolean(stream) !== mayStream() && !failedAt) close();
        open();
      },
      /** 'events', 'polling', or null while closed. */
      kind: () => (stream ? 'events' : pollTimer ? 'polling' : null),
    };
  };
})();
