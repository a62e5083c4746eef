// The rules of the profile `auto`: an ordered list; the first rule whose conditions all hold chooses.
(() => {
  const zs = (window.zludaSync ??= {});

  const AUTO = 'auto'; // the profile that goes by the rules

  /** `saved(answer)` is called when the server has taken the rules, `touched()` when one is changed. */
  zs.buildRules = (saved, touched) => {
    const list = zs.el('ol', { class: 'zs-rules' });
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const state = zs.el('span', { class: 'zs-note', role: 'status' });
    const save = zs.button(zs.t('rules.save'), submit, { class: 'zs-button zs-primary' });
    const discard = zs.button(zs.t('rules.discard'), () => restore());
    const add = zs.button(zs.t('rules.add'), () => {
      rows.push(buildRow({ profile: known.profiles[0].name }));
      changed(rows.length - 1, 'select');
    });
    const none = zs.el('p', { class: 'zs-note', text: zs.t('rules.none') });
    let known = null;
    let rows = [];
    let isChanged = false;

    function touch(value) {
      isChanged = value;
      if (value) touched();
      save.disabled = !value;
      discard.disabled = !value;
      zs.setText(state, value ? zs.t('rules.unsaved') : '');
    }

    function place() {
      list.replaceChildren(...rows.map((row) => row.element));
      none.hidden = rows.length > 0;
      rows.forEach((row, index) => {
        row.up.disabled = index === 0;
        row.down.disabled = index === rows.length - 1;
        row.number(index + 1);
      });
    }

    function changed(focusIndex, focusOn) {
      place();
      touch(true);
      const row = rows[Math.min(focusIndex, rows.length - 1)];
      const wanted = row?.element.querySelector(focusOn);
      (wanted && !wanted.disabled ? wanted : row?.element.querySelector('select') ?? add).focus();
    }

    function buildRow(rule) {
      const names = known.profiles.map((profile) => profile.name);
      const options = names.map((name) => zs.el('option', { value: name, text: name }));
      const profile = zs.el('select', {}, ...options);
      if (names.includes(rule.profile)) profile.value = rule.profile;
      const profileId = zs.newId('rule-profile');
      profile.id = profileId;
      const title = zs.el('legend', {});
      const conditions = [];
      const shelf = zs.el('div', { class: 'zs-fields' });
      const more = zs.el('select', { 'aria-label': zs.t('rules.add-condition') });
      const always = zs.el('p', { class: 'zs-note', text: zs.t('rules.always') });
      const error = zs.el('p', { class: 'zs-error', role: 'alert' });

      function offer() {
        always.hidden = conditions.length > 0;
        const isAsked = (one) => conditions.some((field) => field.name === one.name);
        const open = known.conditions.filter((one) => !isAsked(one));
        more.replaceChildren(
          zs.el('option', { value: '', text: zs.t('rules.add-condition') }),
          ...open.map((one) => zs.el('option', { value: one.name, text: zs.said(one.label) })),
        );
        more.hidden = !open.length;
      }

      function addCondition(name, value) {
        const description = known.conditions.find((one) => one.name === name);
        if (!description) return null;
        const field = zs.buildField(description, { isList: description.kind !== 'number' });
        if (value !== undefined) field.set(value);
        const label = zs.t('rules.remove-condition', { label: zs.said(description.label) });
        const remove = zs.button('×', () => {
          conditions.splice(conditions.indexOf(field), 1);
          field.element.remove();
          offer();
          touch(true);
          more.focus();
        }, { class: 'zs-button zs-small', 'aria-label': label });
        field.row.append(remove);
        conditions.push(field);
        shelf.append(field.element);
        return field;
      }

      Object.entries(rule).forEach(([name, value]) => name !== 'profile' && addCondition(name, value));
      offer();
      more.addEventListener('change', () => {
        const field = addCondition(more.value);
        offer();
        touch(true);
        field?.input.focus();
      });
      const row = { conditions, profile };
      const move = (step, button) => {
        const from = rows.indexOf(row);
        rows.splice(from + step, 0, ...rows.splice(from, 1));
        changed(from + step, button);
      };
      row.up = zs.button('↑', () => move(-1, '.zs-up'), { class: 'zs-button zs-small zs-up' });
      row.down = zs.button('↓', () => move(1, '.zs-down'), { class: 'zs-button zs-small zs-down' });
      const remove = zs.button(zs.t('rules.delete'), () => {
        const from = rows.indexOf(row);
        rows.splice(from, 1);
        changed(from, '.zs-delete');
      }, { class: 'zs-button zs-small zs-delete' });
      row.fail = (text) => zs.setText(error, text);
      row.number = (number) => {
        zs.setText(title, zs.t('rules.number', { number }));
        row.up.setAttribute('aria-label', zs.t('rules.up', { number }));
        row.down.setAttribute('aria-label', zs.t('rules.down', { number }));
        remove.setAttribute('aria-label', `${zs.t('rules.delete')} ${number}`);
      };
      row.read = () => {
        const typed = conditions.map((field) => [field.name, field.value()]);
        const asked = typed.filter(([, value]) => value !== undefined);
        return { profile: profile.value, ...Object.fromEntries(asked) };
      };
      const label = zs.el('label', { for: profileId }, zs.el('span', { text: zs.t('rules.profile') }));
      const head = zs.el('div', { class: 'zs-rule-head' }, label, profile, row.up, row.down, remove);
      row.element = zs.el('li', {}, zs.el('fieldset', {}, title, head, shelf, always, more, error));
      row.element.addEventListener('input', () => touch(true));
      return row;
    }

    function restore() {
      rows = known.rules.map(buildRow);
      place();
      touch(false);
      zs.setText(failure, '');
    }

    async function submit() {
      rows.forEach((row) => row.fail(''));
      zs.setText(failure, '');
      // Nothing typed is nothing asked for, and the rule would hold for every job.
      const isRight = (field) => {
        if (!field.check()) return false;
        if (field.value() === undefined) field.fail(zs.t('rules.empty'));
        return field.value() !== undefined;
      };
      const areRight = rows.flatMap((row) => row.conditions.map(isRight)).every(Boolean);
      if (!areRight) {
        list.querySelector('[aria-invalid]')?.focus();
        return;
      }
      save.disabled = true;
      const sent = [...rows]; // in this order, whatever is moved meanwhile
      const answer = await zs.ask('PUT', 'profiles', { rules: sent.map((row) => row.read()) });
      if (answer.ok) {
        isChanged = false;
        touched();
        saved(answer.data);
        const word = zs.t(known.chosen === AUTO ? 'rules.saved' : 'rules.kept');
        zs.setText(state, zs.said(answer.data.not_saved) || word);
        return;
      }
      save.disabled = false;
      const rest = zs.refusals(answer).filter(({ where, text }) => {
        const row = sent[Number(where.match(/\[(\d+)\]/)?.[1] ?? -1)];
        if (!row) return true;
        zs.failFields(row.conditions, [{ where, text }]).forEach((one) => row.fail(zs.sayProblem(one)));
        return false;
      });
      zs.setText(failure, zs.join(...rest.map((one) => zs.sayProblem(one))));
      list.querySelector('[aria-invalid]')?.focus();
    }

    return {
      element: zs.el(
        'div', { class: 'zs-rules-part' }, zs.el('h3', { text: zs.t('rules.title') }),
        zs.el('p', { class: 'zs-note', text: zs.t('rules.what') }),
        list, none, failure, zs.el('p', { class: 'zs-buttons' }, add, save, discard, state),
      ),
      show: (answer) => {
        known = answer;
        if (!isChanged) restore(); // rules that the user is at work on stay
      },
    };
  };
})();
