// Extras that are switched on in Settings: progress as the icon of the browser's tab, and a note at the end.
(() => {
  const zs = (window.zludaSync ??= {});
  const SIZE = 64;
  const COLOURS = { track: '#8a94a3', fill: '#2f8fdd', full: '#e08a1e' };

  let icon = null;
  let shownPercent = -1;

  function drawIcon(percent) {
    const canvas = zs.el('canvas', { width: SIZE, height: SIZE });
    const pen = canvas.getContext('2d');
    const arc = (share, colour) => {
      pen.strokeStyle = colour;
      pen.lineWidth = 12;
      pen.beginPath();
      pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 8, -Math.PI / 2, (2 * share - 0.5) * Math.PI);
      pen.stroke();
    };
    arc(1, COLOURS.track);
    arc(Math.max(percent, 1) / 100, percent < 100 ? COLOURS.fill : COLOURS.full);
    return canvas.toDataURL('image/png');
  }

  /** Show a fraction in the tab's icon; null gives the host's own icon back. */
  function showIcon(fraction) {
    const percent = fraction === null ? -1 : Math.round(100 * fraction);
    if (percent === shownPercent) return;
    shownPercent = percent;
    if (percent < 0) {
      icon?.link.remove();
      icon?.others.forEach((link) => document.head.append(link));
      icon = null;
      return;
    }
    if (!icon) {
      const others = [...document.querySelectorAll('link[rel~="icon"]')];
      others.forEach((link) => link.remove());
      icon = { others, link: zs.el('link', { rel: 'icon', type: 'image/png', id: 'zluda-sync-icon' }) };
      document.head.append(icon.link);
    }
    icon.link.href = drawIcon(percent);
  }

  /** What the browser says of notifications; 'missing' where it has none, as over plain http. */
  const permission = () => (typeof Notification === 'function' ? Notification.permission : 'missing');

  let last = null; // the job that ran

  function notifyOfEnd(status) {
    const ended = last && status.job?.id !== last.id ? last : null;
    last = status.job;
    const isLookedAt = document.visibilityState === 'visible' && document.hasFocus();
    const isWanted = status.page?.notification && permission() === 'granted';
    if (!ended || !isWanted || !zs.speaksForAll() || isLookedAt) return;
    const body = zs.t('extras.after', { time: zs.time(ended.elapsed_s) });
    const note = new Notification(zs.t('extras.finished'), { body, tag: 'zluda-sync' });
    note.onclick = () => { window.focus(); note.close(); };
  }

  /** Whether an extra needs the connection though nobody looks at the panel. */
  zs.wantsExtras = () => {
    const page = zs.currentStatus()?.page;
    return Boolean(page?.favicon || page?.notification);
  };

  zs.startExtras = () => zs.onStatus((status) => {
    if (!status) return;
    showIcon(status.page?.favicon && status.job ? status.job.fraction ?? 0 : null);
    notifyOfEnd(status);
  });

  zs.buildExtras = () => {
    const text = zs.el('p', { class: 'zs-note' });
    const allow = zs.button(zs.t('extras.allow'), async () => {
      await Notification.requestPermission();
      update(zs.currentStatus());
    });
    const buttons = zs.el('p', { class: 'zs-buttons' }, allow);
    const element = zs.section('extras', zs.t('extras.title'), text, buttons);
    function update(status) {
      if (!status) return;
      const { favicon, notification } = status.page ?? {};
      allow.hidden = !notification || permission() !== 'default';
      const parts = [favicon ? 'icon-on' : 'icon-off', notification ? `note-${permission()}` : 'note-off'];
      zs.setText(text, zs.join(...parts.map((part) => zs.t(`extras.${part}`))));
    }
    return { element, update };
  };
})();
