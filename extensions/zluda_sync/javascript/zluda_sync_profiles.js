// Profiles: choose one, and make, change and delete your own.
(() => {
  const zs = (window.zludaSync ??= {});
  const AUTO = 'auto';
  const NAME = /^(?!\.\.?$)[^/\\?#%]{1,40}$/; // the server says more exactly; these would not even reach it

  const STEP = /^\.\.?$/;

  /** The form for one profile. `save(name, values)` returns an answer of the server; `done()` closes it. */
  function buildEditor(answer, { name = '', values = {}, isNew }, save, done) {
    const title = zs.t(isNew ? 'profiles.new-title' : 'profiles.edit-title', { name });
    const nameField = zs.buildField({
      name: 'name', label: zs.t('profiles.name'), unit: '', info: zs.t('profiles.name-info'), kind: 'text',
    });
    nameField.set(name);
    nameField.input.readOnly = !isNew;
    const fields = answer.fields.map((field) => {
      const emptyText = zs.t('profiles.as-settings', { value: field.default ?? '–' });
      const made = zs.buildField(field, { emptyText });
      made.set(values[field.name]);
      return made;
    });
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const submit = zs.el('button', {
      type: 'submit', class: 'zs-button zs-primary', text: zs.t('profiles.save'),
    });
    const form = zs.el(
      'form', { class: 'zs-form', novalidate: true, 'aria-label': title },
      zs.el('h3', { text: title }), nameField.element,
      zs.el('div', { class: 'zs-fields' }, ...fields.map((field) => field.element)), failure,
      zs.el('p', { class: 'zs-buttons' }, submit, zs.button(zs.t('profiles.cancel'), done)),
    );
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      zs.setText(failure, '');
      const typed = nameField.input.value.trim();
      const isNamed = NAME.test(typed);
      nameField.fail(isNamed ? '' : zs.t(typed ? 'profiles.name-wrong' : 'profiles.name-missing'));
      const areRight = fields.map((field) => field.check()).every(Boolean);
      if (!isNamed || !areRight) {
        form.querySelector('[aria-invalid]')?.focus();
        return;
      }
      const entries = fields.map((field) => [field.name, field.value()]);
      const set = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
      submit.disabled = true;
      const reply = await save(typed, set);
      submit.disabled = false;
      if (reply.ok) {
        done();
        return;
      }
      // What was typed stays: only the messages are new.
      const rest = zs.failFields([nameField, ...fields], zs.refusals(reply)).filter(({ where, text }) => {
        if (!where.endsWith(`profiles.${typed}`)) return true;
        nameField.fail(zs.splitProblem({ where, text }).rest);
        return false;
      });
      zs.setText(failure, zs.join(...rest.map((one) => zs.sayProblem(one))));
      form.querySelector('[aria-invalid]')?.focus();
    });
    return form;
  }

  /** The section, with the rules below. `load()` asks the server for both. */
  zs.buildProfiles = () => {
    const chosen = zs.el('select', { 'data-field': 'chosen' });
    const chosenId = zs.newId('chosen');
    chosen.id = chosenId;
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const list = zs.el('div', { class: 'zs-profile-list' });
    const editor = zs.el('div', { class: 'zs-editor' });
    const where = zs.el('p', { class: 'zs-note' });
    const choiceState = zs.el('p', { class: 'zs-note zs-saved', role: 'status' });
    const listState = zs.el('span', { class: 'zs-note zs-saved', role: 'status' });
    const forget = () => [choiceState, listState].forEach((one) => zs.setText(one, ''));
    const rules = zs.buildRules((answer) => show(answer), forget);
    const fresh = zs.button(zs.t('profiles.new'), () => edit({ isNew: true }));
    let known = null;
    let opener = null;

    const say = (answer) => zs.setText(failure, zs.sayRefusals(answer));

    /**
     * Ask for a change, and say beside what was pressed that it is kept; `state` is the place for that, and
     * `word(answer)` the key of what is said. What was said of the change before goes.
     */
    async function change(state, word, method, path, body) {
      forget();
      zs.setText(failure, '');
      const answer = await zs.ask(method, path, body);
      if (answer.ok) {
        show(answer.data);
        // What was not kept stands below the choice, and beside the list.
        const refused = state === choiceState ? '' : zs.said(answer.data.not_saved);
        zs.setText(state, answer.data.not_saved ? refused : zs.t(`profiles.${word(answer.data)}`));
      }
      return answer;
    }

    /** Whether the next job will use a profile that was saved: it is chosen, or the rules may choose it. */
    function wordOfSaved(name, answer) {
      if (answer.chosen === name) return 'saved';
      const isInRules = answer.chosen === AUTO && answer.rules.some((rule) => rule.profile === name);
      return isInRules ? 'saved-by-rules' : 'kept';
    }

    function edit(what) {
      opener = document.activeElement;
      forget();
      const close = () => {
        editor.replaceChildren();
        (opener?.isConnected ? opener : fresh).focus();
      };
      const save = (name, values) => {
        if (what.isNew && known.profiles.some((profile) => profile.name === name)) {
          const detail = [{ where: 'name', text: zs.t('profiles.taken') }];
          return { ok: false, status: 409, data: { detail } };
        }
        const word = (answer) => wordOfSaved(name, answer);
        return change(listState, word, 'PUT', `profiles/${encodeURIComponent(name)}`, { values });
      };
      editor.replaceChildren(buildEditor(known, what, save, close));
      editor.querySelector(what.isNew ? 'input' : 'select, input:not([readonly])').focus();
    }

    const nameOfCopy = (name) => {
      const names = known.profiles.map((profile) => profile.name);
      const stem = `${name} copy`.slice(0, 36);
      return names.includes(stem) ? `${stem} ${names.length}` : stem;
    };

    async function remove(profile) {
      const question = zs.t('profiles.delete-sure', { name: profile.name });
      if (!window.confirm(question)) return;
      // One that stands in config.json may be a step of an address: it is kept from the browser.
      const name = STEP.test(profile.name) ? profile.name.replaceAll('.', '%2E') : profile.name;
      const path = `profiles/${encodeURIComponent(name)}`;
      const answer = await change(listState, () => 'deleted', 'DELETE', path);
      if (answer.ok) fresh.focus();
      else say(answer);
    }

    function buildItem(profile) {
      const { name, values } = profile;
      const entries = Object.entries(values).map(([field, value]) => {
        const { label, unit } = known.fields.find((one) => one.name === field) ?? { label: field };
        const words = [field === 'mode' ? zs.modeOf(value) : value, zs.said(unit)].filter(Boolean).join(' ');
        return zs.t('profiles.sets', { field: zs.said(label), value: words });
      });
      const sets = entries.length ? entries.join(' · ') : zs.t('profiles.sets-nothing');
      const buildButton = (word, act) =>
        zs.button(zs.t(`profiles.${word}`), act, { 'aria-label': `${zs.t(`profiles.${word}`)}: ${name}` });
      const buttons = [buildButton('copy', () => edit({ name: nameOfCopy(name), values, isNew: true }))];
      if (!profile.is_builtin) {
        buttons.unshift(
          buildButton('edit', () => edit({ name, values, isNew: false })),
          buildButton('delete', () => remove(profile)),
        );
      }
      const isInUse = name === known.chosen;
      const tag = isInUse ? zs.el('span', { class: 'zs-tag', text: zs.t('profiles.in-use') }) : null;
      const note = [zs.said(profile.explanation), sets].filter(Boolean).join(' · ');
      const words = [zs.el('strong', { text: name }), ' ', tag, zs.el('p', { class: 'zs-note', text: note })];
      return zs.el(
        'li', { 'data-profile': name },
        zs.el('div', {}, ...words), zs.el('p', { class: 'zs-buttons' }, ...buttons),
      );
    }

    function show(answer) {
      known = answer;
      zs.setText(failure, zs.said(answer.not_saved));
      const names = [...answer.profiles.map((profile) => profile.name), AUTO];
      const buildOption = (name, text) => zs.el('option', { value: name, text });
      chosen.replaceChildren(...names.map((name) =>
        buildOption(name, name === AUTO ? zs.t('profiles.auto') : name)));
      if (!names.includes(answer.chosen)) {
        chosen.append(buildOption(answer.chosen, zs.t('profiles.unknown', { name: answer.chosen })));
      }
      chosen.value = answer.chosen;
      list.replaceChildren(zs.el('ul', {}, ...answer.profiles.map(buildItem)));
      zs.setText(where, zs.t('profiles.file', { file: answer.config_file }));
      rules.show(answer);
    }

    chosen.addEventListener('change', async () => {
      const answer = await change(choiceState, () => 'saved', 'PUT', 'profiles', { chosen: chosen.value });
      if (answer.ok) return;
      say(answer);
      if (known) chosen.value = known.chosen;
    });

    return {
      element: zs.section(
        'profiles', zs.t('profiles.title'),
        zs.el(
          'div', { class: 'zs-field zs-chosen' },
          zs.el('label', { for: chosenId }, zs.el('span', { text: zs.t('profiles.chosen') })), chosen,
        ),
        choiceState, failure, list, zs.el('p', { class: 'zs-buttons' }, fresh, listState), editor,
        rules.element, where,
      ),
      load: async () => {
        const answer = await zs.ask('GET', 'profiles');
        if (answer.ok) show(answer.data);
        else say(answer);
      },
    };
  };
})();
