// The panel's only line to the outside: /zluda_sync/v1/… of the SD.Next that the page came from.
(() => {
  const zs = (window.zludaSync ??= {});

  // SD.Next serves this file as <subpath>/file=…, the embedded host as <subpath>/js?file=…
  const found = (document.currentScript?.src ?? '').match(/^(.*?)\/(?:js\?)?file=/);
  zs.base = found?.[1] ?? document.baseURI.replace(/[?#].*$/, '').replace(/\/[^/]*$/, '');
  zs.address = (path) => `${zs.base}/zluda_sync/v1/${path}`;

  // Installed by its address, the style lies deeper than SD.Next looks for one.
  const ownFile = document.currentScript?.src ?? '';
  zs.bringStyle = () => {
    if (!ownFile.includes('/file=') || document.querySelector('link[href*="zluda_sync/style.css"]')) return;
    const href = ownFile.replace(/javascript\/[^/]*$/, `style.css?${Date.now()}`);
    document.head.append(zs.el('link', { rel: 'stylesheet', href }));
  };

  // SD.Next of 2026 lets its page into its API by the login's token, through authFetch. We ask for the token
  // ourselves: authFetch writes each refusal to the console, and a refusal is an ordinary answer here.
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
  async function logIn() {
    const login = await (credentials ??= findCredentials());
    isGuarded = Object.keys(login).length > 0;
    return login;
  }
  zs.needsCredentials = async () => Object.keys(await logIn()).length > 0;

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  /** Ask a route. Returns {ok, status, data, text}; status 0 if no answer came, or none within `limitMs`. */
  zs.ask = async (method, path, body, limitMs) => {
    const headers = { ...(await logIn()) };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    try {
      const answer = await fetch(zs.address(path), {
        method, headers, cache: 'no-store', body: body === undefined ? undefined : JSON.stringify(body),
        signal: limitMs ? AbortSignal.timeout?.(limitMs) : undefined, // not in older browsers
      });
      const text = await answer.text().catch(() => '');
      return { ok: answer.ok, status: answer.status, data: parse(text), text };
    } catch {
      return { ok: false, status: 0, data: null, text: '' };
    }
  };

  /** Ask for a picture: {blob, tag}, or null if there is none, or none newer than the one of this tag. */
  zs.askPicture = async (path, tag) => {
    const headers = { ...(await logIn()), ...(tag ? { 'If-None-Match': tag } : {}) };
    try {
      const answer = await fetch(zs.address(path), { headers, cache: 'no-store' });
      return answer.status === 200 ? { blob: await answer.blob(), tag: answer.headers.get('ETag') } : null;
    } catch {
      return null;
    }
  };

  /** What an answer that is not ok refuses, and why: [{where, text}]. */
  zs.refusals = (answer) => {
    const detail = answer.data?.detail;
    if (typeof detail === 'string') return [{ where: '', text: detail }];
    if (Array.isArray(detail)) {
      // FastAPI's own refusals have `loc` and `msg`.
      const whereOf = (one) => one.where ?? (one.loc ?? []).join('.');
      return detail.map((one) => ({ where: whereOf(one), text: one.text ?? one.msg ?? '' }));
    }
    const text = answer.status ? zs.t('answer.status', { status: answer.status }) : zs.t('answer.none');
    return [{ where: '', text }];
  };

  // A rule that was sent to be saved, or one that stands in a file; and of it a condition, or the profile.
  const RULE = /^(?:(.+?): zluda_sync\.)?rules\[(\d+)\](?:\.(.+))?$/;
  const placeOf = ({ where }) => Number(where.match(RULE)?.[2] ?? NaN); // from 0
  /** Whether a rule is not used, and so is not among those that the page shows. */
  const isLeftOut = ({ text }) => text.includes('the rule is left out');

  /** What a problem is about: a rule by the number that the page gives it, else by its place in the file. */
  function subjectOf(problem, all) {
    const [, file, place, field] = problem.where.match(RULE) ?? [];
    if (place === undefined) return problem.where;
    const before = all.filter((one) => isLeftOut(one) && placeOf(one) < Number(place)).map(placeOf);
    const isInFile = file && isLeftOut(problem);
    const number = Number(place) + 1 - (isInFile ? 0 : new Set(before).size);
    const rule = zs.t(isInFile ? 'rules.in-file' : 'rules.number', { number, file });
    const name = field === 'profile' && !isInFile ? zs.t('now.profile') : field;
    return name ? zs.t('text.field', { subject: rule, field: name }) : rule;
  }

  /** What a problem is about, as the page calls it, and what is wrong with that; `all` were told with it. */
  zs.splitProblem = (problem, all = []) => {
    const { where, text } = problem;
    const rest = where && text.startsWith(where) ? text.slice(where.length).trim() : text;
    return { subject: subjectOf(problem, all), rest: zs.said(rest) };
  };
  zs.sayProblem = (problem) => {
    const { subject, rest } = zs.splitProblem(problem);
    return subject ? zs.t('text.subject', { subject, rest }) : rest;
  };
  zs.sayRefusals = (answer) => zs.join(...zs.refusals(answer).map((one) => zs.sayProblem(one)));

  /** Hand a file to the browser. */
  zs.save = (blob, name) => {
    const link = zs.el('a', { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  /** A link that downloads a route's answer; behind a login through fetch, as a plain link would not do. */
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
})();
