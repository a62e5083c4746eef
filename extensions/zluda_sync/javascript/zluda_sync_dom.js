// Elements, numbers and times as the panel writes them. Strings reach the page as text only, never as markup.
(() => {
  const zs = (window.zludaSync ??= {});
  const NO_BREAK = '\u00a0';

  /**
   * Make an element.
   * `properties`: class, text, on (listeners), anything else is an attribute; null leaves it out.
   */
  zs.el = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === 'class') element.className = value;
      else if (name === 'text') element.append(document.createTextNode(value));
      else if (name === 'on') {
        Object.entries(value).forEach(([event, act]) => element.addEventListener(event, act));
      } else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  /** Whether an element takes room on the page. */
  zs.isSeen = (element) => Boolean(element?.getClientRects().length);

  /** The tabs of SD.Next's that show pictures as they are made, by what their elements' ids begin with. */
  zs.pictureTabs = ['txt2img', 'img2img', 'control', 'video'];

  let lastId = 0;
  /** The number is not at the end: an element gets the words of whatever id of SD.Next's ends its own. */
  zs.newId = (stem) => `zluda-sync-${(lastId += 1)}-${stem}-zs`;

  /**
   * Change a text, only where it differs and within its text node: SD.Next goes over its whole page whenever
   * an element comes or goes, and screen readers read what is written anew.
   */
  zs.setText = (element, text) => {
    if (element.textContent === text) return;
    const [node, ...more] = element.childNodes;
    if (node?.nodeType === Node.TEXT_NODE && !more.length) node.nodeValue = text;
    else element.textContent = text;
  };

  /** A section of the panel with its heading. SD.Next translates an h2 whose words its own dictionary has. */
  zs.section = (name, title, ...children) => {
    const id = zs.newId(name);
    const heading = zs.el('h2', { id, text: title });
    return zs.el('section', { class: `zs-card zs-${name}`, 'aria-labelledby': id }, heading, ...children);
  };

  zs.button = (text, act, properties = {}) =>
    zs.el('button', { type: 'button', class: 'zs-button', text, on: { click: act }, ...properties });

  /** A table. `rows`: arrays of texts or nodes; the first cell of a row is its heading. */
  zs.table = (caption, head, rows, properties = {}) => zs.el(
    'div', { class: 'zs-scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    zs.el(
      'table', properties,
      zs.el('caption', { class: 'zs-hidden', text: caption }),
      zs.el('thead', {}, zs.el('tr', {}, ...head.map((text) => zs.el('th', { scope: 'col', text })))),
      zs.el('tbody', {}, ...rows.map((cells) => zs.el('tr', {}, ...zs.cells(cells)))),
    ),
  );

  zs.cells = (cells) => cells.map((cell, index) => {
    const element = zs.el(index ? 'td' : 'th', index ? {} : { scope: 'row' });
    element.append(cell ?? '–');
    return element;
  });

  /** A length of time: "85 ms", "4.2 s", "42 s", "3 min 20 s"; a dash if unknown. */
  zs.time = (seconds) => {
    if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
    const write = (unit, value, digits = 0) => sayTime(unit, { value: zs.number(value, digits) });
    if (seconds > 0 && seconds < 0.0995) return write('ms', seconds * 1000, seconds < 0.00995 ? 1 : 0);
    if (seconds < 9.95) return write('s', seconds, seconds < 0.995 ? 2 : 1);
    if (seconds < 89.5) return write('s', Math.round(seconds));
    const minutes = Math.floor(Math.round(seconds) / 60);
    if (minutes < 90) return sayTime('min', { minutes, seconds: Math.round(seconds) % 60 });
    return sayTime('h', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  };

  /** The same in whole seconds: of what goes on, where more would only flicker. At least one. */
  zs.wholeTime = (seconds) => zs.time(Number.isFinite(seconds) ? Math.max(1, Math.round(seconds)) : seconds);

  /** Number and unit stay on one line. */
  const sayTime = (unit, values) => zs.t(`time.${unit}`, values).replaceAll(' ', NO_BREAK);

  /** A number with so many decimals at most; a dash if unknown. */
  zs.number = (value, digits = 0) => {
    if (!Number.isFinite(value)) return '–';
    return value.toLocaleString(zs.language(), { maximumFractionDigits: digits });
  };

  /** A share of 1 in whole per cent; below one per cent with a decimal, so that a little is not nothing. */
  zs.percent = (share) => {
    if (share === null || share === undefined || !Number.isFinite(share)) return '–';
    const percent = 100 * share;
    return `${zs.number(percent, percent > 0 && percent < 1 ? 1 : 0)}${NO_BREAK}%`;
  };

  /** A moment in seconds since the epoch: the time, and the day unless that is today. */
  zs.clock = (epochS) => {
    const at = new Date(epochS * 1000);
    const isToday = at.toDateString() === new Date().toDateString();
    return isToday ? at.toLocaleTimeString(zs.language()) : at.toLocaleString(zs.language());
  };
})();
