// The tab "Side by side": one press runs the same job in this host and in a second one without extensions.
// What each says is shown as it comes, drawn over time, and held against when its picture came.

const FIGURES_PERIOD_MS = 200;
const FULL = 0.995;
const SIDES = { without: './side-by-side/without/', with: './' };

async function post(url, body = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Error(answer.detail ?? `${response.status}`);
  return answer;
}

// What the extension says of itself in this host; null where it is not loaded.
async function askExtension() {
  const response = await fetch('./zluda_sync/v1/status');
  return response.ok ? response.json() : null;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const describeShare = (percent) => (percent < 1 ? 'less than 1 %' : `${Math.round(percent)} %`);
const formatSeconds = (seconds) => `${seconds.toFixed(1)} s`;

// One of the two hosts on the page.
class Pane {
  constructor(root, base) {
    this.find = (name) => root.querySelector(`.sbs-${name}`);
    this.base = base;
    this.points = [];
  }

  // Runs the job to its end: figures and previews are asked for separately, so that an answer that waits for
  // a preview does not keep the figures back.
  async run(job, drawn) {
    this.points = [[0, 0]];
    this.endS = null;
    this.hasBegun = false;
    this.stoppedS = null;
    this.hasPicture = false;
    this.isGuessed = false;
    this.guesses = 0;
    this.drawn = drawn;
    this.startedMs = performance.now();
    this.find('picture').textContent = 'no preview yet';
    this.find('verdict').textContent = '';
    const watching = [this.watchFigures(), this.watchPreviews()];
    try {
      const answer = await post(`${this.base}sdapi/v1/txt2img`, job);
      this.endS = this.clockS();
      if (answer.images.length) this.showPicture(`data:image/png;base64,${answer.images[0]}`);
    } finally {
      this.endS ??= this.clockS();
      await Promise.all(watching);
      this.showEnd();
    }
  }

  ask(preview) {
    return post(`${this.base}internal/progress`, { id_task: 'undefined', id_live_preview: preview });
  }

  clockS() { return (performance.now() - this.startedMs) / 1000; }

  async watchFigures() {
    while (this.endS === null) {
      try {
        const [state, status] = await Promise.all([this.ask(-1), this.hasExtension ? askExtension() : null]);
        this.isGuessed = status?.job?.is_eta_guessed ?? this.isGuessed;
        if (this.endS === null) this.show(state);
      } catch (error) {
        console.error(error);
      }
      await pause(FIGURES_PERIOD_MS);
    }
  }

  async watchPreviews() {
    let last = 0;
    while (this.endS === null) {
      await pause(FIGURES_PERIOD_MS);
      try {
        const state = await this.ask(last);
        last = state.id_live_preview;
        if (state.live_preview && this.endS === null) this.showPicture(state.live_preview);
      } catch (error) {
        console.error(error);
      }
    }
  }

  show(state) {
    const clockS = this.clockS();
    this.find('clock').textContent = formatSeconds(clockS);
    // The host keeps the figures of its last job until the next begins, and what it waits for has no name.
    this.hasBegun = this.hasBegun || state.active;
    const isOver = !state.active && state.progress === 0; // its pictures are on their way
    if (!this.hasBegun || isOver) return;
    this.points.push([clockS, state.progress]);
    this.find('bar').textContent = window.describeState(state);
    this.find('bar').style.background = window.barBackground(state);
    this.find('share').textContent = `${Math.round(100 * state.progress)} %`;
    this.find('left').textContent = state.eta === null ? '–' : this.describeLeft(Math.max(state.eta, 0));
    this.drawn();
  }

  // With the sign of Generate for a time that counts on what was never seen.
  describeLeft(leftS) {
    if (!this.isGuessed) return formatSeconds(leftS);
    this.guesses += 1;
    return `~${Math.round(leftS)} s`;
  }

  // Whether most of its job was a guess: the next one is not.
  hasGuessed() { return this.guesses > this.points.length / 2; }

  showPicture(source) {
    // What comes of a stopped job is its last step, whole or not: noise in the place of the picture so far.
    if (this.hasPicture && this.stoppedS !== null) return;
    this.hasPicture = true;
    const image = document.createElement('img');
    image.src = source;
    image.alt = 'the picture so far';
    this.find('picture').replaceChildren(image);
  }

  showEnd() {
    this.find('bar').textContent = 'Generate';
    this.find('bar').style.background = '';
    this.find('share').textContent = '–';
    this.find('left').textContent = '–';
    this.find('clock').textContent = formatSeconds(this.endS);
    this.find('verdict').textContent = this.stoppedS === null ? this.describeBar() : this.describeStop();
    this.drawn();
  }

  describeStop() {
    return `Stop took ${formatSeconds(Math.max(this.endS - this.stoppedS, 0))}.`;
  }

  describeBar() {
    const off = this.points.map(([atS, share]) => Math.abs(share - Math.min(atS / this.endS, 1)));
    const mean = (100 * off.reduce((sum, one) => sum + one, 0)) / off.length;
    const full = this.points.find(([, share]) => share >= FULL);
    const early = full ? this.endS - full[0] : 0;
    const came = `the picture came at ${formatSeconds(this.endS)}.`;
    const said = early > 0.5 ? `It said 100 % at ${formatSeconds(full[0])}; ${came}` : `T${came.slice(1)}`;
    return `${said} The bar was off by ${describeShare(mean)} of the job in the mean.`;
  }
}

// Both bars over time; the dashed lines are the true shares, once they are known.
function draw(svg, panes) {
  const timesS = panes.flatMap(({ endS, points }) => [endS ?? 0, ...points.map(([atS]) => atS)]);
  const lastS = Math.max(1, ...timesS);
  const x = (atS) => 60 + (880 * atS) / lastS;
  const y = (share) => 220 - 200 * share;
  const elements = [];
  const add = (name, attributes, text = '') => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.textContent = text;
    elements.push(element);
  };
  const line = (name, points) => add('polyline', {
    class: `sbs-${name}`,
    points: points.map(([atS, share]) => `${x(atS).toFixed(1)},${y(share).toFixed(1)}`).join(' '),
  });
  [0, 0.5, 1].forEach((share) => {
    add('line', { class: 'sbs-axis', x1: 60, x2: 940, y1: y(share), y2: y(share) });
    add('text', { x: 50, y: y(share) + 5, 'text-anchor': 'end' }, `${100 * share} %`);
  });
  const tickS = [1, 2, 5, 10, 30, 60, 300].find((step) => lastS / step <= 10) ?? lastS;
  for (let atS = 0; atS <= lastS; atS += tickS) {
    add('text', { x: x(atS), y: 245, 'text-anchor': 'middle' }, `${atS} s`);
  }
  const isWhole = ({ endS, stoppedS }) => endS && stoppedS === null; // of a part there is no true share
  panes.filter(isWhole).forEach(({ endS }) => line('true', [[0, 0], [endS, 1]]));
  panes.forEach((pane) => line(pane.name, pane.points));
  svg.replaceChildren(...elements);
}

// Why nothing is to be seen of the extension in this host; empty where it acts.
function explainNotActing(status) {
  if (status?.is_acting) return '';
  const why = status
    ? `ZLUDA Sync does not act here: ${status.explanation.replace(/\.$/, '')}.`
    : 'ZLUDA Sync is not loaded here: enable it on the Extensions tab.';
  return `${why} Until then both sides show SD.Next as it came.`;
}

function describeEnd(panes) {
  if (panes.some(({ stoppedS }) => stoppedS !== null)) return 'Stopped.';
  const isFirst = panes.some((pane) => pane.hasGuessed());
  return isFirst ? 'Done. Run it again: the second time is learned.' : 'Done.';
}

function setUp(root) {
  const find = (name) => root.querySelector(`.sbs-${name}`);
  const first = root.querySelector('[data-pane="without"]');
  const second = first.cloneNode(true); // the two differ in their names alone
  second.dataset.pane = 'with';
  first.after(second);
  const panes = Object.entries(SIDES).map(([name, base]) => {
    const pane = new Pane(root.querySelector(`[data-pane="${name}"]`), base);
    pane.name = name;
    return pane;
  });
  const redraw = () => draw(find('chart'), panes);

  const showExtension = async () => {
    const hint = explainNotActing(await askExtension());
    panes[1].hasExtension = !hint;
    find('hint').textContent = hint;
    find('hint').hidden = !hint;
    second.querySelector('h3').textContent = hint ? 'With ZLUDA Sync off' : 'With ZLUDA Sync';
    find('key-with').lastChild.textContent = hint ? 'bar with it off' : 'bar with';
  };

  const start = async () => {
    find('message').textContent = 'The second host starts: some ten seconds …';
    try {
      await showExtension();
      await post('./side-by-side/start');
      find('run').disabled = false;
      find('message').textContent = 'Ready.';
    } catch (error) {
      find('message').textContent = `${error.message}. See what it printed, and load the page again.`;
    }
  };
  start();

  find('run').onclick = async () => {
    find('run').disabled = true;
    // It may have been switched since; a host that does not answer is told by the job.
    await showExtension().catch((error) => console.error(error));
    find('stop').disabled = false;
    find('legend').hidden = false;
    find('key-true').hidden = false;
    find('message').textContent = 'Both run.';
    const job = { prompt: find('prompt').value, steps: 20, seed: Math.floor(Math.random() * 2 ** 31) };
    const asShipped = { ...job, override_settings: { torch_sync: find('sync').checked } };
    const runs = panes.map((pane) => pane.run(pane.name === 'without' ? asShipped : job, redraw));
    const results = await Promise.allSettled(runs);
    const failed = results.find((result) => result.status === 'rejected');
    find('message').textContent = failed ? `${failed.reason.message}` : describeEnd(panes);
    find('key-true').hidden = panes.every(({ stoppedS }) => stoppedS !== null);
    find('run').disabled = false;
    find('stop').disabled = true;
  };

  find('stop').onclick = () => {
    find('stop').disabled = true;
    panes.filter((pane) => pane.endS === null).forEach((pane) => {
      pane.stoppedS = pane.clockS();
      post(`${pane.base}sdapi/v1/interrupt`).catch((error) => console.error(error));
    });
  };
}

// Gradio makes a tab's content when it is first opened. The second host takes memory and time: who does not
// look does not start it.
new MutationObserver((_changes, observer) => {
  const root = document.querySelector('.sbs');
  if (!root) return;
  observer.disconnect();
  setUp(root);
}).observe(document, { childList: true, subtree: true });
