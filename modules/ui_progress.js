// The embedded host's page script, a stand-in for SD.Next's progressBar: Generate shows job, percent and
// remaining time while the host is asked every half second, and a live preview stands over the gallery.

const STALL_LIMIT_S = 180; // the page gives up when progress has not changed for so long
const START_LIMIT_S = 5;
const REQUEST_LIMIT_MS = 30000;

window.gradioApp = () => document;

const loadedCallbacks = [];
let loaded = false;
window.onUiLoaded = (callback) => (loaded ? callback() : loadedCallbacks.push(callback));
new MutationObserver((_changes, observer) => {
  if (!document.getElementById('txt2img_generate')) return;
  observer.disconnect();
  loaded = true;
  loadedCallbacks.forEach((callback) => callback());
}).observe(document, { childList: true, subtree: true });

function formatEta(state) {
  if (state.paused) return 'Paused';
  if (state.completed || state.progress > 0.99) return 'Finishing';
  if (!state.eta) return 'Start';
  const minutes = Math.floor(state.eta / 60);
  const seconds = Math.round(state.eta % 60);
  return minutes > 0 ? `${minutes}m ${seconds}s` : `${seconds}s`;
}

const isUnderWay = (state) => state && state.progress > 0 && state.progress < 1;

// What stands on Generate: job, percent, remaining time.
window.describeState = (state) => {
  const percent = isUnderWay(state) ? `${Math.round(100 * state.progress)}%` : '';
  return [state.job, percent, formatEta(state)].filter(Boolean).join(' ');
};

window.barBackground = (state) => {
  const percent = `${Math.round(100 * state.progress)}%`;
  return `linear-gradient(to right, var(--primary-500) ${percent}, var(--neutral-700) ${percent})`;
};

// Without a state the button is Generate again.
window.setProgress = (state) => {
  const percent = isUnderWay(state) ? `${Math.round(100 * state.progress)}%` : '';
  document.title = `SD.Next ${percent}`.trim();
  const button = document.getElementById('txt2img_generate');
  if (!button) return;
  button.textContent = state ? window.describeState(state) : 'Generate';
  button.style.background = percent ? window.barBackground(state) : '';
};

function showPreview(image) {
  let element = document.getElementById('livePreviewImage');
  if (!image) {
    element?.parentNode.remove();
    return;
  }
  if (!element) {
    const frame = document.createElement('div');
    frame.className = 'livePreview';
    element = document.createElement('img');
    element.id = 'livePreviewImage';
    element.style.cssText = 'width: 256px; image-rendering: pixelated;';
    frame.appendChild(element);
    document.getElementById('txt2img_gallery').before(frame);
  }
  element.src = image;
}

let lastState = {};

window.togglePause = (resumed) => {
  lastState.paused = resumed ? false : !lastState.paused;
  document.getElementById('txt2img_pause').textContent = lastState.paused ? 'Resume' : 'Pause';
};

async function askProgress(idTask, idLivePreview) {
  const response = await fetch('./internal/progress', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id_task: idTask, id_live_preview: document.hidden ? -1 : idLivePreview }),
    signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
  });
  if (!response.ok) throw new Error(`progress: ${response.status}`);
  return response.json();
}

window.requestProgress = async (idTask) => {
  localStorage.setItem('task', idTask); // as in SD.Next, so that scripts know the newest task of the page
  let idLivePreview = 0;
  let started = false;
  let previous = null;
  let changedAt = Date.now();
  try {
    for (;;) {
      const state = await askProgress(idTask, idLivePreview);
      lastState = state;
      started = started || state.active;
      const stillS = (Date.now() - changedAt) / 1000;
      const over = state.completed || (!state.active && started);
      const stalled = !state.queued && stillS > (state.active ? STALL_LIMIT_S : START_LIMIT_S);
      if (!state.paused && (over || (stalled && state.progress === previous))) break;
      if (state.progress !== previous) {
        previous = state.progress;
        changedAt = Date.now();
      }
      window.setProgress(state);
      if (state.live_preview) {
        showPreview(state.live_preview);
        idLivePreview = state.id_live_preview;
      }
      const period = window.opts.live_preview_refresh_period || 500;
      await new Promise((resolve) => { setTimeout(resolve, period); });
    }
  } catch (error) {
    console.error(error); // as in SD.Next, one failed answer ends the polling
  }
  localStorage.removeItem('task');
  window.setProgress();
  showPreview(null);
  window.togglePause(true);
};

window.startTask = () => {
  const idTask = `task(${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)})`;
  window.requestProgress(idTask);
  return idTask;
};

// After Apply on the Extensions tab: load the page again once the host has booted anew.
window.reloadAfterRestart = async () => {
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    try {
      const count = await (await fetch('./internal/boot_count')).json();
      if (count !== window.bootCount) break;
    } catch { /* not up again yet */ }
  }
  window.location.reload();
};
