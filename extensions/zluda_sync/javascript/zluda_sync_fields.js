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

  function buildInput(field, emptyText) {
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

  /** What is typed: undefined if nothing is, several texts as an array, NaN for a number that is none. */
  const read = (field, input) => {
    const typed = input.value.trim();
    if (field.kind === 'number') {
      if (input.validity.badInput) return NaN;
      return typed === '' ? undefined : Number(typed);
    }
    if (typed === '') return undefined;
    if (field.kind === 'choice') return typed;
    const parts = typed.split(',').map((part) => part.trim()).filter(Boolean);
    return parts.length === 1 ? parts[0] : parts;
  };

  /** What is wrong with a value, empty if nothing is. */
  const check = ({ kind, minimum, maximum, step, unit }, value) => {
    if (kind !== 'number' || value === undefined) return '';
    const isWhole = Number.isInteger(step ?? 0.1);
    const isRight = value >= minimum && value <= maximum && (!isWhole || Number.isInteger(value));
    return isRight ? '' : zs.t(isWhole ? 'field.wrong-whole' : 'field.wrong', { minimum, maximum, unit });
  };

  /**
   * A field with its label, its limits and room for what is wrong with it.
   * Returns {name, element, row, input, value(), set(value), check(), fail(text)}; value() is undefined where
   * nothing is typed, check() returns whether it is right and writes what is not.
   */
  zs.buildField = (field, { emptyText = '', hasInfo = true } = {}) => {
    const id = zs.newId(field.name);
    const input = buildInput(field, emptyText);
    const info = zs.el('span', { class: 'zs-info', id: `${id}-info`, text: hasInfo ? sayLimits(field) : '' });
    const error = zs.el('span', { class: 'zs-error', id: `${id}-error`, role: 'alert' });
    input.id = id;
    input.dataset.field = field.name;
    input.setAttribute('aria-describedby', `${id}-info ${id}-error`);
    const words = zs.said(field.label) + (field.unit ? ` (${zs.said(field.unit)})` : '');
    const label = zs.el('label', { for: id }, zs.el('span', { text: words }));
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
      value: () => read(field, input),
      set: (value) => { input.value = Array.isArray(value) ? value.join(', ') : value ?? ''; },
      check: () => {
        fail(check(field, read(field, input)));
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
