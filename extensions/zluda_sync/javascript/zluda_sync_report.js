// The report on the card: shown first, then copied by whoever wants to send it. Nothing is sent from here.
(() => {
  const zs = (window.zludaSync ??= {});

  /** Put a text into the clipboard; false where the browser lets nobody. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text); // not there on a page that came without https
      return true;
    } catch {
      return copyFromField(text);
    }
  }

  function copyFromField(text) {
    const field = zs.el('textarea', { class: 'zs-hidden', readonly: true, 'aria-hidden': 'true' });
    field.value = text;
    const before = document.activeElement;
    document.body.append(field);
    field.select();
    try {
      return document.execCommand('copy');
    } catch {
      return false;
    } finally {
      field.remove();
      before?.focus();
    }
  }

  /** The section. */
  zs.buildReport = () => {
    const failure = zs.el('p', { class: 'zs-error', role: 'alert' });
    const shown = zs.el('pre', {
      class: 'zs-report-text', tabindex: '0', 'aria-label': zs.t('report.title'),
    });
    const said = zs.el('span', { class: 'zs-note', role: 'status' });
    const take = zs.button(zs.t('report.copy'), async () => {
      zs.setText(said, '');
      if (await copy(shown.textContent)) zs.setText(said, zs.t('report.copied'));
      else {
        getSelection().selectAllChildren(shown);
        zs.setText(said, zs.t('report.by-hand'));
      }
    });
    const whole = zs.el(
      'div', { class: 'zs-report-whole', hidden: true }, shown,
      zs.el('p', { class: 'zs-buttons' }, take, said),
    );
    const make = zs.button(zs.t('report.make'), show);

    async function show() {
      make.disabled = true;
      zs.setText(said, '');
      zs.setText(failure, '');
      const answer = await zs.ask('GET', 'report');
      make.disabled = false;
      whole.hidden = !answer.ok;
      if (!answer.ok) {
        zs.setText(failure, zs.sayRefusals(answer));
        return;
      }
      zs.setText(shown, answer.text);
      take.focus();
    }

    return {
      element: zs.section(
        'report', zs.t('report.title'), zs.el('p', { class: 'zs-note', text: zs.t('report.what') }),
        zs.el('p', { class: 'zs-buttons' }, make), failure, whole,
      ),
    };
  };
})();
