// Input fields, made from the server's descriptions of them:
// {name, label, info, unit, kind, choices, minimum, maximum, step, default}.
(() => {
  const zs = (window.zludaSync ??= {});

  function sayLimits(field) {
    if (field.kind !== 'number') return zs.said(field.info);
    const limits = zs.t('field.limits', {
      minimum: zs.number(field.minimum, 2), maximum: zs.number(field.maximum, 2), unit: zs.said(field.unit),
    });
    return [limits.trim(), zs.said(field.info)].filter(Boolean).join('; ');
  }

  /** Several of some choices, each to be ticked. */
  function buildBoxes(field) {
    const boxes = field.choices.map((choice) => zs.el('input', { type: 'checkbox', value: choice }));
    const labels = boxes.map((box) => zs.el('label', {}, box, ` ${box.value}`));
    return zs.el('div', { class: 'zs-choices', role: 'group', tabindex: '-1' }, ...labels);
  }

  function buildInput(field, emptyText, isList) {
    if (field.kind === 'choice' && isList) return buildBoxes(field);
    if (field.kind === 'choice') {
      const options = field.choices.map((choice) => zs.el('option', { value: choice, text: choice }));
      return zs.el('select', {}, zs.el('option', { value: '', text: emptyText }), ...options);
    }
    if (field.kind === 'number') {
      return zs.el('input', {
        type: 'number', inputmode: 'decimal', placeholder: emptyText,
        min: field.minimum, max: field.maximum, step: field.step ?? 'any',
      });
    }
    return zs.el('input', { type: 'text', placeholder: emptyText });
  }

  const oneOrMore = (texts) => (texts.length > 1 ? texts : texts[0]);
  const toList = (value) => (Array.isArray(value) ? value : [value ?? ''].filter(Boolean));

  // Several texts stand in one line with commas between them, so one that has a comma itself is quoted.
  const QUOTED = /^"(?:[^"]|"")*"$/;
  const PARTS = /"(?:[^"]|"")*"(?=\s*(?:,|$))|[^,\s][^,]*/g;
  const quote = (text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const unquote = (part) => (QUOTED.test(part) ? part.slice(1, -1).replaceAll('""', '"').trim() : part);
  const writeTexts = (value) => toList(value).map(quote).join(', ');
  const readTexts = (typed) => oneOrMore(
    (typed.match(PARTS) ?? []).map((part) => unquote(part.trim())).filter(Boolean),
  );

  const boxesOf = (input) => [...input.querySelectorAll('input')];

  /** Show a value; a list only where there may be several. */
  function write(field, isList, input, value) {
    if (isList && field.kind === 'choice') {
      boxesOf(input).forEach((box) => { box.checked = toList(value).includes(box.value); });
    } else input.value = isList ? writeTexts(value) : value ?? '';
  }

  /** What is typed: undefined if nothing is, several texts as an array, NaN for a number that is none. */
  const read = (field, isList, input) => {
    if (isList && field.kind === 'choice') {
      return oneOrMore(boxesOf(input).filter((box) => box.checked).map((box) => box.value));
    }
    const typed = input.value.trim();
    if (field.kind === 'number') {
      if (input.validity.badInput) return NaN;
      return typed === '' ? undefined : Number(typed);
    }
    return isList ? readTexts(typed) : typed || undefined;
  };

  /** What is wrong with a value, empty if nothing is. */
  const check = ({ kind, minimum, maximum, step, unit }, value) => {
    if (kind !== 'number' || value === undefined) return '';
    const isWhole = Number.isInteger(step ?? 0.1);
    const isRight = value >= minimum && value <= maximum && (!isWhole || Number.isInteger(value));
    return isRight ? '' : zs.t(isWhole ? 'field.wrong-whole' : 'field.wrong', { minimum, maximum, unit });
  };

  /**
   * A field with its label, its limits and room for what is wrong with it. `isList`: it may have several
   * values, of which one is as good by itself as in an array.
   * Returns {name, element, row, input, value(), set(value), check(), fail(text)}; value() is undefined where
   * nothing is typed, and what was set, to the letter, while nothing is changed; check() returns whether it
   * is right and writes what is not.
   */
  zs.buildField = (field, { emptyText = '', hasInfo = true, isList = false } = {}) => {
    const id = zs.newId(field.name);
    const input = buildInput(field, emptyText, isList);
    const readInput = () => read(field, isList, input);
    const given = { value: undefined, shown: undefined }; // what was set, and what is read of it
    const info = zs.el('span', { class: 'zs-info', id: `${id}-info`, text: hasInfo ? sayLimits(field) : '' });
    const error = zs.el('span', { class: 'zs-error', id: `${id}-error`, role: 'alert' });
    input.id = id;
    input.dataset.field = field.name;
    input.setAttribute('aria-describedby', `${id}-info ${id}-error`);
    const words = zs.said(field.label) + (field.unit ? ` (${zs.said(field.unit)})` : '');
    const label = zs.el('label', { for: id, id: `${id}-label` }, zs.el('span', { text: words }));
    if (isList && field.kind === 'choice') input.setAttribute('aria-labelledby', label.id);
    const row = zs.el('div', { class: 'zs-field-row' }, input);
    const fail = (text) => {
      zs.setText(error, text);
      if (text) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    };
    input.addEventListener('input', () => fail(''));
    return {
      name: field.name,
      element: zs.el('div', { class: 'zs-field' }, label, row, info, error),
      row,
      input,
      value: () => {
        const value = readInput();
        return JSON.stringify(value) === given.shown ? given.value : value;
      },
      set: (value) => {
        write(field, isList, input, value);
        given.value = value ?? undefined;
        given.shown = JSON.stringify(readInput());
      },
      check: () => {
        fail(check(field, readInput()));
        return !error.textContent;
      },
      fail,
    };
  };

  /** Write refusals at the fields whose names they end with; returns the others. */
  zs.failFields = (fields, refusals) => refusals.filter(({ where, text }) => {
    const field = fields.find((one) => where === one.name || where.endsWith(`.${one.name}`));
    field?.fail(zs.splitProblem({ where, text }).rest);
    return !field;
  });
})();
