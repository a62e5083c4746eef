// Ink that can be read, chosen by what lies behind it: themes call light and dark by many names.
// style.css has the colours for each choice.
(() => {
  const zs = (window.zludaSync ??= {});
  const INKS = ['--zs-muted', '--zs-blue', '--zs-orange', '--zs-red'];
  const LEAST_CONTRAST = 5; // 4.5 is wanted, also where a selected row is a little darker
  const LIGHT_LUMINANCE = 0.18; // from here on dark ink has more contrast than light ink
  const [BLACK, WHITE] = [[0, 0, 0], [255, 255, 255]];

  /** Red, green and blue of 255, and alpha of 1. */
  const parse = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = colour.startsWith('color(srgb') ? 255 : 1;
    return [red * scale, green * scale, blue * scale, alpha];
  };

  const luminance = (colour) => colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);

  /** The colour behind an element, with all that shines through. */
  zs.backgroundOf = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const layer = parse(getComputedStyle(one).backgroundColor);
      layers.push(layer);
      if (layer[3] >= 1) break;
    }
    const prefersDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const page = prefersDark && document.body.classList.contains('dark') ? BLACK : WHITE;
    return layers.reverse().reduce((below, [red, green, blue, alpha]) =>
      [red, green, blue].map((part, index) => part * alpha + below[index] * (1 - alpha)), page);
  };

  /** How well one colour can be read on the other: 1 to 21, as WCAG has it. */
  zs.contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  /** Choose light or dark ink for the panel; where neither can be read, give its cards our own surface. */
  zs.chooseInk = (panel) => {
    if (!panel.isConnected) return;
    delete panel.dataset.surface;
    const card = panel.querySelector('.zs-card');
    panel.dataset.tone = luminance(zs.backgroundOf(card)) > LIGHT_LUMINANCE ? 'light' : 'dark';
    const style = getComputedStyle(panel);
    const toColour = (hex) => hex.match(/[\da-f]{2}/gi).map((part) => parseInt(part, 16));
    const behind = zs.backgroundOf(card);
    const contrasts = INKS.map((name) => zs.contrast(toColour(style.getPropertyValue(name)), behind));
    if (Math.min(...contrasts) < LEAST_CONTRAST) panel.dataset.surface = 'own';
  };
})();
