// The panel's only line to the outside: /zluda_sync/v1/… of the SD.Next that the page came from.
(() => {
  const zs = (window.zludaSync ??= {});
  const POLL_MS = 1000;
  const FIRST_EVENT_LIMIT_MS = 6000; // the first status comes at once; a proxy that holds it back holds back all
  const SILENCE_LIMIT_MS = 40000; // a heartbeat comes every 15 s
  const RETRY_STREAM_MS = 60000;

  // SD.Next serves this file as <subpath>/file=…, the embedded host as <subpath>/js?file=…
  const found = (document.currentScript?.src ?? '').match(/^(.*?)\/(?:js\?)?file=/);
  zs.base = found?.[1] ?? document.baseURI.replace(/[?#].*$/, '').replace(/\/[^/]*$/, '');
  zs.address = (path) => `${zs.base}/zluda_sync/v1/${path}`;

  // SD.Next of 2026 lets its page into its API by the login's token, through authFetch. We ask for the token
  // ourselves: authFetch writes it to the console with each refusal, and a refusal is an ordinary answer here.
  let credentials = null;
  let isGuarded = false;
  async function findCredentials() {
    if (typeof window.authFetch !== 'function') return {};
    try {
      const answer = await fetch(`${zs.base}/token`);
      const { user, token } = answer.ok ? await answer.json() : {};
      return user && token ? { Authorization: `Basic ${btoa(`${user}:${token}`)}` } : {};
    } catch {
      return {};
    }
  }
  zs.needsCredentials = async () => {
    isGuarded = Object.keys(await (credentials ??= findCredentials())).length > 0;
    return isGuarded;
  };

  /** Ask a route. Returns {ok, status, data}; status 0 if there was no answer at all. */
  zs.ask = async (method, path, body) => {
    const headers = { ...(await (credentials ??= findCredentials())) };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    try {
      const answer = await fetch(zs.address(path), {
        method, headers, cache: 'no-store', body: body === undefined ? undefined : JSON.stringify(body),
      });
      const data = await answer.json().catch(() => null);
      return { ok: answer.ok, status: answer.status, data };
    } catch {
      return { ok: false, status: 0, data: null };
    }
  };

  /** What a refusal is about: [{where, text}]. */
  zs.refusals = (answer) => {
    const detail = answer.data?.detail;
    if (typeof detail === 'string') return [{ where: '', text: detail }];
    if (Array.isArray(detail)) {
      return detail.map((one) => ({ where: one.where ?? (one.loc ?? []).join('.'), text: one.text ?? one.msg ?? '' }));
    }
    const text = answer.status ? zs.t('answer.status', { status: answer.status }) : zs.t('answer.none');
    return [{ where: '', text }];
  };

  /** Hand a file to the browser. */
  zs.save = (blob, name) => {
    const link = zs.el('a', { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  /** A link that downloads a route's answer; behind a login, where a plain link would not do, through fetch. */
  zs.download = (text, path, name) => zs.el('a', {
    class: 'zs-button', href: zs.address(path), download: name, text,
    on: {
      click: async (event) => {
        if (!isGuarded) return;
        event.preventDefault();
        const answer = await fetch(zs.address(path), { headers: await credentials });
        if (answer.ok) zs.save(await answer.blob(), name);
      },
    },
  });

  // One connection, and only while somebody looks or an extra needs it.
  const listeners = [];
  const live = { stream: null, timer: null, watch: null, heardAt: 0, polledSince: 0, status: null };

  function tell(status) {
    live.status = status;
    live.heardAt = Date.now();
    listeners.forEach((listen) => listen(status));
  }

  async function poll() {
    const answer = await zs.ask('GET', 'status');
    if (!live.timer) return;
    if (answer.ok) tell(answer.data);
    else listeners.forEach((listen) => listen(null));
    if (live.polledSince && Date.now() - live.polledSince > RETRY_STREAM_MS && !(await zs.needsCredentials())) {
      disconnect();
      refresh();
      return;
    }
    if (live.timer) live.timer = setTimeout(poll, POLL_MS);
  }

  function startPolling() {
    disconnect();
    live.polledSince = Date.now();
    live.timer = setTimeout(poll, 0);
  }

  function startStream() {
    const began = Date.now();
    live.heardAt = 0;
    live.stream = new EventSource(zs.address('events'));
    live.stream.addEventListener('status', (event) => tell(JSON.parse(event.data)));
    live.stream.addEventListener('heartbeat', () => { live.heardAt = Date.now(); });
    live.stream.addEventListener('error', () => {
      if (live.stream?.readyState === EventSource.CLOSED) startPolling();
    });
    live.watch = setInterval(() => {
      const isLate = live.heardAt
        ? Date.now() - live.heardAt > SILENCE_LIMIT_MS : Date.now() - began > FIRST_EVENT_LIMIT_MS;
      if (isLate) startPolling();
    }, 1000);
  }

  function disconnect() {
    live.stream?.close();
    clearTimeout(live.timer);
    clearInterval(live.watch);
    Object.assign(live, { stream: null, timer: null, watch: null, polledSince: 0 });
  }

  let isConnecting = false;
  async function refresh() {
    if (!zs.isLiveWanted()) {
      disconnect();
      return;
    }
    if (live.stream || live.timer || isConnecting) return;
    isConnecting = true;
    await zs.needsCredentials();
    isConnecting = false;
    if (!zs.isLiveWanted() || live.stream || live.timer) return;
    if (isGuarded) startPolling(); // EventSource cannot send them
    else startStream();
  }

  /** Call with each new status, null while SD.Next does not answer. */
  zs.onStatus = (listen) => listeners.push(listen);
  zs.refreshLive = refresh;
  zs.tellStatus = tell;
  zs.currentStatus = () => live.status;
  zs.liveKind = () => (live.stream ? 'events' : live.timer ? 'polling' : 'none');
  window.addEventListener('pagehide', disconnect);
  window.addEventListener('pageshow', () => refresh());
})();
