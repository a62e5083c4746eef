// The line beside Generate: how long it will take with the settings on the page, and when it would start.
(() => {
  const zs = (window.zludaSync ??= {});
  const LOOK_MS = 500; // asks at most so often, and only if something has changed
  const BUSY_REFRESH_MS = 3000; // while something runs or waits, time itself changes the answer
  const OUT_MS = 30000; // once SD.Next runs as it came, it is asked no sooner whether it still does
  const TASK_LIMIT_MS = 3000; // the page names a task soon after the press, or not at all
  const TASK = 'task'; // SD.Next keeps the id of the newest task of the page under this name
  const TABS = ['txt2img', 'img2img', 'control'];
  const RESIZE_MODES = ['None', 'Fixed', 'Crop', 'Fill', 'Outpaint', 'Context aware']; // SD.Next counts them
  const MASK_TABS = [1, 3, 4]; // of img2img: Inpaint, Composite, Upload
  const PLACE = 'zs-estimate-place';

  const lines = {};
  let isAsking = false;
  let askedKey = null;
  let answered = null; // {answer, at}: the newest answer, and when it came
  let lookAgainAt = Infinity;
  let outUntil = 0;
  let ownTask = '';

  // What the page says. Elements are SD.Next's; in its img2img two sizes have one id: the second is hires'.
  const elementOf = (id, nth) =>
    (nth ? document.querySelectorAll(`#${id}`)[nth] : document.getElementById(id));
  const inputOf = (id, kind, nth = 0) => elementOf(id, nth)?.querySelector(kind) ?? null;
  function numberOf(id, nth = 0) {
    const text = inputOf(id, 'input[type=number]', nth)?.value ?? '';
    return text.trim() === '' || !Number.isFinite(Number(text)) ? null : Number(text);
  }
  const flagOf = (id) => inputOf(id, 'input[type=checkbox]')?.checked ?? null;
  const choiceOf = (id) => (inputOf(id, 'input[type=radio]:checked') ?? inputOf(id, 'input'))?.value || null;
  const tabNumberOf = (id) => [...elementOf(id)?.querySelectorAll(':scope > .tab-nav > button') ?? []]
    .findIndex((button) => button.classList.contains('selected'));

  /** Width and height of the input picture, 0 where there is none or the page does not say. */
  function inputSize(tab) {
    try {
      // On SD.Next's canvas there is a size without a picture, too.
      if (tab === 'control' && window.kanvas && !window.kanvas.imageGroup.hasChildren()) return [0, 0];
      return window[`currentImageResolution${tab}`](0, 0, 1).slice(0, 2).map((side) => Math.round(side) || 0);
    } catch {
      return [0, 0];
    }
  }

  /** What the pictures of a tab are made from: another one or none, with a mask or not, and their size. */
  function sourceOf(tab) {
    const [stem, sides] = tab === 'control' ? ['control_before', 'control_before_resize'] : [tab, tab];
    const given = ['width', 'height'].map((side) => numberOf(`${sides}_${side}`));
    const picture = tab === 'txt2img' ? [0, 0] : inputSize(tab);
    const hasInput = tab === 'img2img' || picture[0] > 0;
    if (!hasInput) return { size: given, hasInput, hasMask: false };
    const hasMask = tab === 'img2img'
      ? MASK_TABS.includes(tabNumberOf('mode_img2img')) : Boolean(window.kanvas?.maskGroup?.hasChildren());
    const isKept = choiceOf(`${stem}_resize_mode`) === 'None'
      || (tab === 'control' && choiceOf(`${stem}_resize_name`) === 'None');
    const isScaled = tabNumberOf(`${stem}_scale_tabs`) === 1 || !(given[0] && given[1]);
    const scale = isKept ? 1 : numberOf(`${stem}_scale`) ?? 1;
    const size = isKept || isScaled ? picture.map((side) => Math.floor(side * scale)) : given;
    return { size, hasInput, hasMask };
  }

  /** How much is made anew, first of the input picture and then by hires; null where the page has no such. */
  function strengthsOf(tab) {
    const id = `${tab}_denoising_strength`;
    if (tab === 'img2img') return [numberOf(id), numberOf(id, 1)];
    if (tab === 'control') return [numberOf('control_input_denoising_strength'), numberOf(id)];
    return [numberOf(id), null];
  }

  /** The settings of a tab by the names of SD.Next's API; what the page does not have is left out. */
  function settingsOf(tab) {
    const { size: [width, height], hasInput, hasMask } = sourceOf(tab);
    const [strength, hiresStrength] = strengthsOf(tab);
    const script = choiceOf(`${tab}_script_list`);
    const found = {
      width,
      height,
      steps: numberOf(`${tab}_steps`),
      n_iter: numberOf(`${tab}_batch_count`),
      batch_size: numberOf(`${tab}_batch_size`),
      sampler_name: choiceOf(`${tab}_sampling`),
      cfg_scale: numberOf(`${tab}_cfg_scale`),
      cfg_true: numberOf(`${tab}_cfg_true`),
      pag_scale: numberOf(`${tab}_pag_scale`),
      hidiffusion: flagOf(`${tab}_hidiffusion`),
      has_input: hasInput || null,
      has_mask: hasMask || null,
      denoising_strength: hasInput || flagOf(`${tab}_enable_hr`) ? strength : null,
      detailer_enabled: flagOf(`${tab}_detailer_enabled`),
      script_name: script === 'None' ? null : script,
      enable_hr: flagOf(`${tab}_enable_hr`),
    };
    if (found.enable_hr) {
      const [side, nth] = tab === 'img2img' ? ['img2img_', 1] : [`${tab}_resize_`, 0];
      const mode = RESIZE_MODES.indexOf(inputOf(`${tab}_resize_mode`, 'input', nth)?.value);
      Object.assign(found, {
        hr_resize_mode: mode < 0 ? null : mode,
        hr_scale: numberOf(`${tab}_scale`, nth),
        hr_resize_x: numberOf(`${side}width`, nth),
        hr_resize_y: numberOf(`${side}height`, nth),
        hr_upscaler: inputOf(`${tab}_resize_name`, 'input', nth)?.value || null,
        hr_force: flagOf(`${tab}_hr_force`),
        hr_second_pass_steps: numberOf(`${tab}_steps_alt`),
        hr_denoising_strength: hiresStrength,
      });
    }
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  }

  // Where it stands: in a place of its own, so that nothing moves when its text does. Below Generate; at the
  // lower edge of the Modern page on a small screen above it, for there what is added pushes upwards.
  const anchorOf = (tab) => ['generate_group', 'generate_box', 'generate']
    .map((name) => document.getElementById(`${tab}_${name}`)).find((one) => one !== null) ?? null;

  function place(tab) {
    const anchor = anchorOf(tab);
    const line = (lines[tab] ??= zs.el('div', { class: 'zs-estimate' }, zs.el('span'), zs.el('span')));
    const isAbove = anchor.parentElement.matches('.xtabs-item');
    if ((isAbove ? anchor.previousElementSibling : anchor.nextElementSibling) !== line) {
      line.parentElement?.classList.remove(PLACE);
      if (isAbove) anchor.before(line);
      else anchor.after(line);
      anchor.parentElement.classList.add(PLACE);
    }
    return line;
  }

  function takeAway() {
    Object.values(lines).forEach((line) => {
      line.parentElement?.classList.remove(PLACE);
      line.remove();
    });
    askedKey = null;
  }

  // What it says.
  const clock = (seconds) =>
    `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, '0')}`;
  function sayRange(low, high) {
    if (high >= 5400) return [zs.time(low), zs.time(high)];
    if (high >= 89.5) return [clock(low), clock(high)];
    const digits = high < 9.95 ? 1 : 0;
    const round = (value) => value.toLocaleString(
      zs.language(), { minimumFractionDigits: digits, maximumFractionDigits: digits },
    );
    return [round(low), zs.t('time.s', { value: round(high) })];
  }
  /** Whole minutes without their seconds. */
  const shortTime = (seconds) => {
    const minutes = Math.round(seconds) / 60;
    const isWhole = seconds >= 89.5 && minutes < 90 && Number.isInteger(minutes);
    return isWhole ? zs.t('time.whole-min', { minutes }) : zs.time(seconds);
  };
  function roughly(seconds) {
    if (seconds < 89.5) return zs.time(Math.round(seconds));
    return shortTime(seconds < 295 ? 10 * Math.round(seconds / 10) : 60 * Math.round(seconds / 60));
  }

  function sayStart(answer, agoS) {
    if (!answer.queue.length || zs.currentStatus()?.job?.is_paused) return '';
    const own = answer.queue.find((job) => job.is_yours);
    const isWaiting = own && !own.is_running;
    // Alone: the time left says it. The press of this page is known to the server a moment after its job.
    if (answer.queue.length === 1 && (own ? !isWaiting : zs.isGenerating())) return '';
    const startsIn = isWaiting ? own.starts_in_s : answer.starts_in_s;
    if (startsIn === null) return zs.t('estimate.after-unknown');
    const time = roughly(Math.max(0, startsIn - agoS));
    return zs.t(own && !isWaiting ? 'estimate.next' : 'estimate.yours', { time });
  }

  /** What is said: first how long it takes, then whatever else there is to say. */
  function say({ answer, at }) {
    const [from, to] = answer.seconds === null ? [] : sayRange(answer.low_s, answer.high_s);
    const length = answer.seconds === null
      ? '' : zs.t('estimate.about', { time: shortTime(answer.seconds), from, to });
    const start = sayStart(answer, (Date.now() - at) / 1000);
    return [length, start, ...answer.unknown.map(zs.said)].filter(Boolean);
  }

  const show = (tab) => write(place(tab), say(answered));

  function write(line, texts) {
    [...line.children].forEach((part, index) => zs.setText(part, texts[index] ?? ''));
    const title = texts.join(' · ');
    if (line.title !== title) line.title = title;
  }

  // When it asks.
  const isWanted = () => window.opts?.zluda_sync_estimate ?? zs.currentStatus()?.page?.estimate ?? true;
  /** Whether SD.Next runs as it came, so that there is nothing to say, or to ask. */
  const isOut = () => {
    const isOff = window.opts?.zluda_sync_enabled === false;
    if (isOff) outUntil = 0; // switched on, it is asked at once
    return isOff || Date.now() < outUntil;
  };

  async function look() {
    if (document.visibilityState !== 'visible' || isAsking) return;
    if (!isWanted() || isOut()) {
      takeAway();
      return;
    }
    const tab = TABS.find((one) => zs.isSeen(anchorOf(one)));
    if (!tab) return;
    if (zs.currentStatus()?.is_acting) place(tab);
    const query = new URLSearchParams(settingsOf(tab));
    const model = choiceOf('setting_sd_model_checkpoint');
    const key = [tab, query, model, localStorage.getItem(TASK), ownTask].join(' ');
    const isBusy = answered?.answer.queue.length > 0;
    const isDue = Date.now() > lookAgainAt || (isBusy && Date.now() - answered.at > BUSY_REFRESH_MS);
    if (key === askedKey && !isDue) {
      if (isBusy) show(tab);
      return;
    }
    // SD.Next changes model and queue a moment after the page does: one more look then, and no more.
    lookAgainAt = key === askedKey ? Infinity : Date.now() + 2 * LOOK_MS;
    askedKey = key;
    if (ownTask) query.set('task', ownTask);
    isAsking = true;
    const answer = await zs.ask('GET', `estimate?${query}`);
    isAsking = false;
    answered = answer.ok ? { answer: answer.data, at: Date.now() } : null;
    if (answered?.answer.is_acting) show(tab);
    else if (answered) {
      outUntil = Date.now() + OUT_MS;
      takeAway();
    } else if (lines[tab]) write(lines[tab], []);
  }

  /** Generate was pressed: tell what with, for SD.Next does not say that of what waits. */
  function tellPress(tab) {
    const settings = settingsOf(tab);
    const before = localStorage.getItem(TASK);
    const until = Date.now() + TASK_LIMIT_MS;
    const tell = async () => {
      const task = localStorage.getItem(TASK);
      if (task && task !== before) {
        const answer = await zs.ask('POST', 'estimate', { ...settings, task });
        if (answer.ok) ownTask = task;
      } else if (Date.now() < until) setTimeout(tell, 20);
    };
    setTimeout(tell, 0);
  }

  zs.startEstimate = () => {
    setInterval(look, LOOK_MS);
    let [wasActing, runningId] = [null, null];
    zs.onStatus((status) => {
      if (!status) return;
      if (status.is_acting !== wasActing) outUntil = 0;
      const id = status.job?.id ?? null;
      if (id !== runningId) askedKey = null; // yours comes after what begins, and what has ended has taught
      wasActing = status.is_acting;
      runningId = id;
    });
    document.addEventListener('click', (event) => {
      const tab = TABS.find((one) => event.target.closest?.(`#${one}_generate`));
      if (tab && isWanted()) tellPress(tab);
    }, true);
  };
})();
