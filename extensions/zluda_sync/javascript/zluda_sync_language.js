// The language of the panel: texts by their keys, and words for phases, outcomes and counts.
//
// SD.Next translates buttons, h2 and the span of a label by their English text, from its own dictionaries; an
// extension cannot add to those. So the panel uses these elements and leaves that to it, and has dictionaries
// of its own for the language that the page is set to.
(() => {
  const zs = (window.zludaSync ??= {});
  const words = (zs.words ??= {});

  /** The language that SD.Next is set to, else the browser's, as two letters. */
  zs.language = () => {
    const chosen = String(window.opts?.ui_locale ?? '').split(':')[0].trim().toLowerCase();
    const language = chosen && chosen !== 'auto' ? chosen : navigator.language ?? 'en';
    const short = language.toLowerCase().split('-')[0];
    return words[short] ? short : 'en';
  };

  /** The text of a key, `{name}` replaced by values.name. */
  zs.t = (key, values = {}) => {
    const text = words[zs.language()][key] ?? words.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? '');
  };

  /** The text of a key; `word` where there is none, as for what only a newer server knows. */
  const translate = (key, word) => (key in words.en ? zs.t(key) : word);

  zs.outcomeOf = (outcome) => translate(`outcome.${outcome}`, outcome);
  zs.sourceOf = (source) => translate(`source.${source}`, source);

  /** A phase by its name; a denoising pass other than the first by its role. */
  zs.phaseOf = (phase, role) => {
    const isLaterPass = phase === 'denoise' && role && role !== 'base';
    return translate(`phase.${isLaterPass ? role : phase}`, phase);
  };

  /** What a job does now: the server's own words where the page is English. */
  zs.labelOf = (job) => {
    if (zs.language() === 'en' || !job.phase) return job.label;
    const image = job.images > 1 ? zs.t('now.image', { image: job.image + 1, images: job.images }) : '';
    return image + zs.phaseOf(job.phase, job.role);
  };

  zs.sayFalls = (count) => zs.t(count === 1 ? 'verdict.once' : 'verdict.times', { count });

  /** A text that the server said, in the page's language if we have it. */
  zs.said = (text) => words[zs.language()].said?.[text] ?? text ?? '';

  /** A text of the server as a sentence: its own begin small, and end without a full stop. */
  zs.sentence = (text) => {
    const said = zs.said(text).trim();
    if (!said) return '';
    return said[0].toUpperCase() + said.slice(1) + (/[.!?。]$/.test(said) ? '' : '.');
  };
})();
