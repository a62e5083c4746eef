// What can be done with the job that runs: Stop, Stop after image, Pause and Skip on the panel, with its
// newest preview; and Stop after image beside SD.Next's own Stop, of use while more than one image is left.
(() => {
  const zs = (window.zludaSync ??= {});
  const AFTER_IMAGE = 'stop-after-image';
  const PREVIEW_PERIOD_MS = 500;

  const hasMany = (job) => job.images > 1 || job.cells !== 1;
  /** Whether an image or a cell comes after the one at work, or may: nobody knows how many there are. */
  const hasMoreImages = (job) => Boolean(job)
    && (job.cells === null || job.cell + 1 < job.cells || job.image + 1 < job.images);
  /** Whether the job ends with the image at work. That cannot be taken back: nothing is left to press. */
  const endsWithImage = (job) => job?.ending === AFTER_IMAGE;

  /** Let a button for it be of use or not; returns why it is not, empty where it is. */
  function offerAfterImage(button, job) {
    button.disabled = endsWithImage(job) || !hasMoreImages(job);
    button.classList.toggle('zs-on', endsWithImage(job));
    if (!job || !button.disabled) return '';
    return zs.t(endsWithImage(job) ? 'controls.after-image-on' : 'controls.after-image-last');
  }

  /** SD.Next's own button of some tab: what it does to the job does not depend on the tab. */
  const findHosts = (name) => zs.pictureTabs.map((tab) => document.getElementById(`${tab}_${name}`))
    .find((button) => button !== null) ?? null;

  async function stop(when) {
    const answer = await zs.ask('POST', 'stop', { when });
    return answer.ok ? '' : zs.refusals(answer).map(({ text }) => zs.said(text)).join(' ');
  }

  /** Buttons and preview, for the panel. `update(status)` takes an answer of status, null without one. */
  zs.buildControls = () => {
    const refusal = zs.el('p', { class: 'zs-error', role: 'alert' });
    const act = async (when) => zs.setText(refusal, await stop(when));
    const buttons = {
      stop: zs.button(zs.t('controls.stop'), () => act('now')),
      after: zs.button(zs.t('controls.after-image'), () => act('after-image')),
      pause: zs.button(zs.t('controls.pause'), () => findHosts('pause')?.click()),
      skip: zs.button(zs.t('controls.skip'), () => findHosts('skip')?.click()),
    };
    let image = null; // made for the first preview
    const row = zs.el('p', { class: 'zs-buttons' }, ...Object.values(buttons));
    const element = zs.el('div', { class: 'zs-controls', hidden: true }, row, refusal);
    let shownAt = 0;
    let shownTag = '';
    let isAsking = false; // one after the other: an older picture must not come last
    let isInSight = false; // a preview that nobody sees costs the GPU all the same
    new IntersectionObserver((entries) => {
      isInSight = entries[entries.length - 1].isIntersecting;
      showPreview(); // the next status may be a long step away
    }).observe(element);

    async function showPreview() {
      if (!isInSight || element.hidden || document.visibilityState !== 'visible') return;
      if (isAsking || Date.now() - shownAt < PREVIEW_PERIOD_MS) return;
      shownAt = Date.now();
      isAsking = true;
      const picture = await zs.askPicture('preview', shownTag);
      isAsking = false;
      if (!picture || element.hidden) return;
      shownTag = picture.tag;
      image ??= zs.el('img', { class: 'zs-preview', alt: zs.t('controls.preview') });
      const before = image.src;
      image.src = URL.createObjectURL(picture.blob);
      if (before) URL.revokeObjectURL(before);
      if (!image.isConnected) element.prepend(image);
    }

    function takeAway() {
      if (!image) return;
      image.remove();
      URL.revokeObjectURL(image.src);
      image = null;
      shownTag = '';
    }

    return {
      element,
      update: (status) => {
        const job = status?.job ?? null;
        element.hidden = !job;
        if (!job) {
          zs.setText(refusal, '');
          takeAway();
          return;
        }
        buttons.stop.disabled = job.ending === 'stop';
        buttons.after.hidden = !hasMany(job);
        const why = offerAfterImage(buttons.after, job);
        if (buttons.after.title !== why) buttons.after.title = why;
        buttons.pause.hidden = !findHosts('pause');
        buttons.skip.hidden = !findHosts('skip');
        zs.setText(buttons.pause, zs.t(job.is_paused ? 'controls.resume' : 'controls.pause'));
        showPreview();
      },
    };
  };

  function buildAfterImage(own) {
    const press = async () => { button.title = (await stop('after-image')) || button.title; };
    const button = zs.el('button', {
      type: 'button', class: `${own.className} zs-after-image`, style: own.getAttribute('style'),
      on: { click: press },
    });
    return button;
  }

  /** Beside SD.Next's Stop, also where the page has taken that elsewhere since. */
  function place(button, own) {
    const frame = own.closest('.portal'); // each of the Modern page's stands in one, and Stop is the last
    if (button.isConnected && button.parentElement === (frame ?? own).parentElement) return;
    if (frame) frame.before(button);
    else own.after(button);
  }

  /** In the language that the page has by now; a refusal stands in the tooltip until its job is over. */
  function nameAfterImage(button, why, wasDisabled) {
    const name = zs.t('controls.after-image');
    const title = why || name;
    if ((button.disabled || wasDisabled) && button.title !== title) button.title = title;
    if (button.getAttribute('aria-label') === name) return;
    button.setAttribute('aria-label', name);
    button.title = title;
    zs.setText(button, zs.t('controls.after-image-short'));
  }

  const placed = {};
  /** Beside each Stop of SD.Next, always in its place: whoever aims at a neighbour must not miss it. */
  zs.updateAfterImage = (status) => {
    if (!status) return;
    zs.pictureTabs.forEach((tab) => {
      const own = document.getElementById(`${tab}_interrupt`);
      if (!own || !status.is_acting) {
        placed[tab]?.remove();
        delete placed[tab];
        return;
      }
      placed[tab] ??= buildAfterImage(own);
      place(placed[tab], own);
      const wasDisabled = placed[tab].disabled;
      nameAfterImage(placed[tab], offerAfterImage(placed[tab], status.job), wasDisabled);
    });
  };
})();
