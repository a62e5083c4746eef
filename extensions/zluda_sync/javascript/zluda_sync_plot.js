// Plots as inline SVG: axes, bands of phases, lines, areas and bars. Colours come from style.css.
(() => {
  const zs = (window.zludaSync ??= {});
  const MARGIN = { top: 42, right: 12, bottom: 34, left: 54 }; // above: what the height is, then the bands
  const HEIGHT = 246;
  const LEAST_WIDTH = 260;
  const FONT = '11.5px sans-serif';

  const svg = (tag, attributes = {}, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  };
  zs.svg = svg;

  const text = (content, attributes) => {
    const element = svg('text', attributes);
    element.textContent = content;
    return element;
  };

  let pen = null;
  const widthOf = (label) => {
    pen ??= document.createElement('canvas').getContext('2d');
    pen.font = FONT;
    return pen.measureText(label).width * 1.1; // the page's own letters may be wider
  };

  /** Round numbers from 0 to `most`, about `count` of them. */
  const ticks = (most, count, isWhole = false) => {
    if (!(most > 0)) return [0];
    const raw = most / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    let step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= raw * 0.999);
    if (isWhole) step = Math.max(1, Math.round(step));
    return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_none, index) => index * step);
  };

  /**
   * Axes with nothing between them yet.
   * `x`, `y`: {most, label, isWhole, write(value)}; `bands`: [{from, to, label}].
   * Returns {root, x(value), y(value), add(...elements), bottom}.
   */
  zs.axes = (width, { x, y, bands = [] }) => {
    const whole = Math.max(LEAST_WIDTH, Math.floor(width));
    const inner = { width: whole - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
    const bottom = MARGIN.top + inner.height;
    const atX = (value) => MARGIN.left + (inner.width * Math.min(Math.max(value, 0), x.most)) / x.most;
    const atY = (value) => bottom - (inner.height * Math.min(Math.max(value, 0), y.most)) / y.most;
    const root = svg('svg', {
      class: 'zs-plot', 'aria-hidden': 'true',
      viewBox: `0 0 ${whole} ${HEIGHT}`, width: whole, height: HEIGHT,
    });
    bands.forEach(({ from, to, label }, index) => {
      const left = atX(from);
      const span = atX(to) - left;
      if (span <= 0) return;
      root.append(svg('rect', {
        class: index % 2 ? 'zs-band zs-odd' : 'zs-band',
        x: left, y: MARGIN.top, width: span, height: inner.height,
      }));
      if (span > widthOf(label) + 6) {
        root.append(text(label, { x: left + span / 2, y: MARGIN.top - 9, 'text-anchor': 'middle' }));
      }
    });
    const ends = { x1: MARGIN.left, x2: whole - MARGIN.right };
    ticks(y.most, 4, y.isWhole).forEach((value) => root.append(
      svg('line', { class: 'zs-grid', ...ends, y1: atY(value), y2: atY(value) }),
      text(y.write(value), { x: MARGIN.left - 7, y: atY(value) + 4, 'text-anchor': 'end' }),
    ));
    ticks(x.most, Math.max(3, Math.floor(inner.width / 90)), x.isWhole).forEach((value) => root.append(
      text(x.write(value), { x: atX(value), y: bottom + 16, 'text-anchor': 'middle' }),
    ));
    root.append(
      svg('line', { class: 'zs-axis', ...ends, y1: bottom, y2: bottom }),
      text(x.label, { class: 'zs-label', x: whole - MARGIN.right, y: bottom + 31, 'text-anchor': 'end' }),
      text(y.label, { class: 'zs-label', x: 0, y: 11 }),
    );
    return { root, x: atX, y: atY, bottom, add: (...elements) => root.append(...elements) };
  };

  /** Points of the plot as an SVG path. */
  const toPath = (points) => points.map(([left, top], index) =>
    `${index ? 'L' : 'M'}${left.toFixed(1)} ${top.toFixed(1)}`).join('');

  /** The corners of a line that stands still between its changes. */
  const stairs = (axes, steps, end) => {
    const points = [[axes.x(0), axes.y(0)]];
    steps.forEach(([at, value]) => {
      points.push([axes.x(at), points[points.length - 1][1]], [axes.x(at), axes.y(value)]);
    });
    points.push([axes.x(end), points[points.length - 1][1]]);
    return points;
  };

  const drawPath = (points, kind) => svg('path', { class: `zs-line zs-${kind}`, d: toPath(points) });

  zs.drawStairs = (axes, steps, end, kind) => drawPath(stairs(axes, steps, end), kind);
  zs.drawLine = (axes, points, kind) =>
    drawPath(points.map(([at, value]) => [axes.x(at), axes.y(value)]), kind);
  zs.drawBetween = (axes, upper, lower, end, kind) => {
    const outline = [...stairs(axes, upper, end), ...stairs(axes, lower, end).reverse()];
    return svg('path', { class: `zs-area zs-${kind}`, d: `${toPath(outline)}Z` });
  };

  /**
   * A plot with its words: heading, legend, sentence, and the figures as a table that can be opened.
   * show({sentence, draw(width) -> svg, head, rows(), kinds, isEmpty}) fills it; a new width draws it anew.
   * With `kinds` the legend names only these. `isEmpty`: there is nothing to draw; the sentence stands alone.
   */
  zs.plotFigure = (name, title, legend) => {
    const id = zs.newId(name);
    const sentence = zs.el('p', { class: 'zs-sentence', id: `${id}-text` });
    const canvas = zs.el('div', { class: 'zs-canvas', role: 'img', 'aria-labelledby': `${id} ${id}-text` });
    const rows = zs.el('div', {});
    const entries = new Map(legend.map(([kind, label]) => [kind, zs.el(
      'li', {}, zs.el('span', { class: `zs-swatch zs-${kind}`, 'aria-hidden': 'true' }), label,
    )]));
    const details = zs.el('details', {}, zs.el('summary', { text: zs.t('plot.table') }), rows);
    const element = zs.el(
      'figure', { class: `zs-figure zs-figure-${name}`, role: 'group', 'aria-labelledby': id },
      zs.el('h3', { id, text: title }),
      zs.el('ul', { class: 'zs-legend' }, ...entries.values()),
      canvas, sentence, details,
    );
    const [legendList] = element.getElementsByClassName('zs-legend');
    let shown = null;
    let width = 0;
    const draw = () => {
      if (shown && canvas.clientWidth) canvas.replaceChildren(shown.draw(canvas.clientWidth));
    };
    const fill = () => {
      if (shown && details.open) rows.replaceChildren(zs.table(title, shown.head, shown.rows()));
    };
    details.addEventListener('toggle', fill);
    new ResizeObserver(() => {
      if (canvas.clientWidth === width) return;
      width = canvas.clientWidth;
      draw();
    }).observe(canvas);
    return {
      element,
      show: (content) => {
        shown = content;
        zs.setText(sentence, content.sentence);
        [legendList, canvas, details].forEach((part) => { part.hidden = Boolean(content.isEmpty); });
        entries.forEach((entry, kind) => { entry.hidden = content.kinds?.has(kind) === false; });
        draw();
        fill();
      },
    };
  };
})();
