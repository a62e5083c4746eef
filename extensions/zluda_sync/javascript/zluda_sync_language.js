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

  /** How a job ended; of one that was ended early, how many of its images are there, where that is known. */
  zs.outcomeOf = ({ outcome, images }) => {
    if (outcome === 'running' && zs.isGone()) return zs.t('outcome.unheard');
    const { asked, finished } = images ?? { asked: 0, finished: 0 };
    if (outcome === 'failed' && finished > 0 && finished < asked) {
      return zs.t('outcome.failed-after', { finished, asked });
    }
    if (finished > 0 && (outcome === 'skipped' || outcome === 'stopped')) {
      if (finished >= asked) return zs.t('outcome.finished'); // Skip or Stop came too late
      if (outcome === 'stopped') return zs.t('outcome.stopped-after', { finished, asked });
      return zs.t('outcome.some-skipped', { count: asked - finished, asked });
    }
    return translate(`outcome.${outcome}`, outcome);
  };
  zs.modeOf = (mode) => translate(`mode.${mode}`, mode);
  /** How it is learned that a step is finished, in words for people; the name is that of the setting. */
  zs.rungOf = (rung) => translate(`rung.${rung}`, rung);
  zs.sourceOf = (source) => translate(`source.${source}`, source);

  /** A phase by its name; a denoising pass other than the first by its role. */
  zs.phaseOf = (phase, role) => {
    const isLaterPass = phase === 'denoise' && role && role !== 'base';
    return translate(`phase.${isLaterPass ? role : phase}`, phase);
  };

  /** What a job does now, as the server says it. */
  zs.labelOf = (job) => zs.said(job.label);

  zs.sayFalls = (count) => zs.t(count === 1 ? 'verdict.once' : 'verdict.times', { count });

  /** Sentences one after the other, as the language puts them. */
  zs.join = (...sentences) => sentences.filter(Boolean).join(zs.t('text.joint'));

  // What the server says has values in it: `{name}` stands for one, in the English text and in the other. A
  // value that is itself a text of the server is translated too. These names stand for numbers alone.
  const NUMBERS = /^(?:count|number|seconds)$/;
  const patterns = {};
  // Each text is looked up once: the parts of one that joins others are the same again and again. A driver's
  // own message may be of any length, and has no translation.
  const MOST_REMEMBERED = 2000;
  const LONGEST = 400; // characters
  const remembered = {};

  function toPattern(english) {
    const parts = english.split(/\{(\w+)\}/);
    const source = parts.map((part, index) => {
      if (index % 2) return `(?<${part}>${NUMBERS.test(part) ? '[\\d.,]+(?:/\\d+)?' : '.+?'})`;
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    });
    return new RegExp(`^${source.join('')}$`, 's');
  }

  /** One that only joins others says nothing by itself, and would fit any text with a comma. */
  const joinsOthers = (english) => english.replace(/\{\w+\}/g, '').length < 5;

  const patternsOf = (language) => (patterns[language] ??= Object.entries(words[language].said ?? {})
    .filter(([english]) => english.includes('{'))
    .map(([english, own]) => ({ pattern: toPattern(english), own, isJoint: joinsOthers(english) })));

  /** A text that the server said, in the page's language if we have it; of several that fit the first. */
  zs.said = (text) => {
    const language = zs.language();
    const known = words[language].said;
    if (!known || !text) return text ?? '';
    if (Object.hasOwn(known, text)) return known[text];
    if (text.length > LONGEST) return text;
    const own = (remembered[language] ??= new Map());
    if (own.size > MOST_REMEMBERED) own.clear();
    if (!own.has(text)) own.set(text, lookUp(text, language));
    return own.get(text);
  };

  function lookUp(text, language) {
    for (const { pattern, own, isJoint } of patternsOf(language)) {
      const found = Object.entries(pattern.exec(text)?.groups ?? {});
      const values = Object.fromEntries(found.map(([name, value]) => [name, zs.said(value)]));
      const isKnown = found.length > 0 && (!isJoint || found.some(([name, value]) => values[name] !== value));
      if (isKnown) return own.replace(/\{(\w+)\}/g, (_whole, name) => values[name]);
    }
    return text;
  }

  /** A text of the server as a sentence: its own begin small, and end without a full stop. */
  zs.sentence = (text) => {
    const said = zs.said(text).trim();
    if (!said) return '';
    return said[0].toUpperCase() + said.slice(1) + (/[.!?。]$/.test(said) ? '' : zs.t('text.stop'));
  };
})();
