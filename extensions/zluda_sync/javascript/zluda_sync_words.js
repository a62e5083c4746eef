// Every text that the panel writes by itself, in English. Other languages: zluda_sync_words_<language>.js.
//
// SD.Next translates buttons, h2 and the span of a label by their English text, from its own dictionaries; an
// extension cannot add to those. So the panel uses these elements and leaves that to it, and has dictionaries of
// its own for the language that the page is set to.
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
  zs.hasWord = (key) => key in words.en;

  /** The text of a key, `{name}` replaced by values.name. */
  zs.t = (key, values = {}) => {
    const text = words[zs.language()][key] ?? words.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? '');
  };

  /** A text that the server said, in the page's language if we have it. */
  zs.said = (text) => words[zs.language()].said?.[text] ?? text ?? '';

  /** A text of the server as a sentence: they begin small, and end without a full stop. */
  zs.sentence = (text) => {
    const said = zs.said(text).trim();
    if (!said) return '';
    return said[0].toUpperCase() + said.slice(1) + (/[.!?。]$/.test(said) ? '' : '.');
  };

  words.en = {
    'answer.status': 'SD.Next refused: status {status}.',
    'answer.none': 'SD.Next does not answer.',

    'now.title': 'Now',
    'now.bar': 'Progress of the whole job',
    'now.idle': 'Idle',
    'now.not-followed': 'Not followed',
    'now.testing': 'Testing the GPU',
    'now.gone': 'SD.Next does not answer',
    'now.paused': 'Paused',
    'now.eta': '{time} left',
    'now.eta-range': '{from} to {to} left',
    'now.eta-unknown': 'time left not known yet',
    'now.image': 'Image {image}/{images}: ',
    'now.compiling': 'The GPU compiles kernels: this happens once.',
    'now.counts': '{completed} of {total} finished, {waiting} queued',
    'now.one-step': '{count} step',
    'now.n-steps': '{count} steps',
    'now.steps': 'Steps',
    'now.ahead': 'Run-ahead',
    'now.mode': 'Mode',
    'now.rung': 'Measured with',
    'now.profile': 'Profile',
    'now.device': 'Device',
    'now.problems': 'The configuration has problems',

    'phase.prepare': 'Preparing',
    'phase.load': 'Loading model',
    'phase.encode': 'Text encode',
    'phase.denoise': 'Denoise',
    'phase.hires': 'Hires',
    'phase.refine': 'Refine',
    'phase.detail': 'Detailer',
    'phase.upscale': 'Upscale',
    'phase.decode': 'VAE decode',
    'phase.save': 'Saving',

    'verdict.title': 'Is the bar true?',
    'verdict.yes': 'Yes.',
    'verdict.unknown': 'Not certain.',
    'verdict.off': "No: it is SD.Next's own bar.",
    'verdict.untested': 'There is no self-test of this device: {why}. Where it can be tested, that is done when SD.Next is idle; until then the first steps of each job are checked.',
    'verdict.blocking': 'This device makes SD.Next wait by itself, so what is queued is finished.',
    'verdict.unfinished': 'The self-test gave no result ({why}), so SD.Next waits after each step.',
    'verdict.no-rung': 'no way to wait told the truth',
    'verdict.costly': 'No cheap way to ask this GPU told the truth, so SD.Next waits for it after each step.',
    'verdict.truthful': 'This GPU reports truthfully what it has finished ({rung}).',
    'verdict.ahead': 'In the job of {when} SD.Next was at most {count} steps ahead of the GPU.',
    'verdict.ahead-one': 'In the job of {when} SD.Next was at most one step ahead of the GPU.',
    'verdict.bars': "SD.Next's own bar would have been off by {stockMean} on average and {stock} at most; this one was off by {mean} on average and {own} at most.",
    'verdict.own-bar': 'The bar was off by {own} at most.',
    'verdict.falls': "SD.Next's would have fallen back {count}.",
    'verdict.once': 'once',
    'verdict.times': '{count} times',
    'verdict.learning': 'The first job of its kind is a guess; the next one is foreseen from it.',

    'plot.table': 'Figures as a table',
    'plot.seconds': 'seconds since the job began',
    'plot.steps': 'steps',
    'plot.share': 'share of the job',
    'plot.step-number': 'step',
    'plot.step-time': 'time of a step',

    'job.title': 'One job, looked at closely',
    'job.none': 'No job yet. Make a picture, and it appears here.',
    'job.none-followed': 'Jobs are not followed now, so none appears here.',
    'job.untitled': 'job without a title',
    'job.profile': 'profile {name} ({reason})',
    'job.export-json': 'Save trace (JSON)',
    'job.export-chrome': 'Save trace for Perfetto',

    'steps.title': 'Launched and completed steps',
    'steps.step': 'Step',
    'steps.launched': 'Launched by SD.Next',
    'steps.completed': 'Completed by the GPU',
    'steps.ahead': 'Run-ahead',
    'steps.sentence': '{launched} steps launched and {completed} completed within {time}; SD.Next was at most {ahead} ahead of the GPU.',
    'steps.none': 'No step was launched yet.',

    'bars.title': 'What the bar showed',
    'bars.time': 'Time',
    'bars.shown': 'This bar',
    'bars.stock': "SD.Next's own bar",
    'bars.true': 'True share of the time',
    'bars.sentence': "This bar was off by {own} at most, {mean} on average. SD.Next's own would have been off by up to {stock}, {stockMean} on average, and would have fallen back {falls}.",
    'bars.own': 'This bar was off by {own} at most, {mean} on average.',
    'bars.running': 'How true it was is known when the job is finished.',
    'bars.unfinished': 'The job did not run to its end, so there is no true share to compare with.',
    'bars.none': 'No bar was recorded.',

    'times.title': 'Time of each step on the GPU',
    'times.usual': 'Usual',
    'times.compile': 'First step, with kernel compile',
    'times.outlier': 'Outlier',
    'times.phase': 'Phase',
    'times.time': 'Time',
    'times.kind': 'Kind',
    'times.sentence': '{count} steps; median {median}, longest {longest}.',
    'times.compiled': 'The first one compiled kernels and took {time}.',
    'times.one-outlier': 'One step was unusually slow.',
    'times.outliers': '{count} steps were unusually slow.',
    'times.none': 'No step is finished yet.',

    'costs.title': 'What it cost',
    'costs.wait': 'SD.Next waited for the GPU',
    'costs.wait-note': 'The GPU works meanwhile: time is lost only where it ran out of work, as in every-step.',
    'costs.preview': 'Previews',
    'costs.preview-note': 'Time in which previews were made and copied.',
    'costs.share': '{share} of the job',
    'costs.previews': '({count} shown)',

    'history.title': 'Jobs',
    'history.none': 'No job since SD.Next was started.',
    'history.began': 'Began',
    'history.job': 'Job',
    'history.outcome': 'Outcome',
    'history.time': 'Time',
    'history.steps': 'Steps',
    'history.step-time': 'Step, median',
    'history.mode': 'Mode',
    'history.source': 'From',
    'history.follow': 'Follow the newest job',
    'history.export': 'Save all jobs (JSON)',

    'outcome.finished': 'Finished',
    'outcome.stopped': 'Stopped',
    'outcome.skipped': 'Skipped',
    'outcome.failed': 'Failed',
    'outcome.running': 'Running',
    'source.page': 'Page',
    'source.api': 'API',
    'source.script': 'Script',
    'source.unknown': 'Unknown',

    'stops.title': 'How fast Stop was',
    'stops.none': 'No job was stopped.',
    'stops.phase': 'Stopped in',
    'stops.count': 'Stops',
    'stops.acknowledged': 'Acknowledged, median',
    'stops.ended': 'Ended after, median',
    'stops.longest': 'Longest',
    'stops.launched': 'Steps launched after',
    'stops.queued': 'Steps queued before',

    'selftest.title': 'Self-test',
    'selftest.what': 'Tries six ways to learn that the GPU has finished, and uses the first in this list that tells the truth and costs next to nothing. Takes some seconds in which the GPU is busy.',
    'selftest.start': 'Run self-test',
    'selftest.progress': 'Self-test',
    'selftest.none': 'No result yet.',
    'selftest.called-off': 'The test was called off, for a job needed the GPU. Run it again when SD.Next is idle.',
    'selftest.in-use': 'in use',
    'selftest.legend': 'Report at: when the report came, as a share of the time that the work had taken before; near 1. On a busy machine it scatters. What decides is the work that was left after the report: a moment at most.',
    'selftest.taken': '{when}, in {time}',
    'selftest.unfinished': 'ended early: {why}',
    'selftest.rung': 'Rung',
    'selftest.verdict': 'Verdict',
    'selftest.reason': 'Why',
    'selftest.report-at': 'Report at, of the work',
    'selftest.residual': 'Work left after it, ms',
    'selftest.cost': 'Cost, µs a step',
    'selftest.truthful': 'truthful',
    'selftest.lies': 'not truthful',
    'selftest.untried': 'not tried',

    'profiles.title': 'Profiles',
    'profiles.chosen': 'Profile in use',
    'profiles.auto': 'auto (by the rules below)',
    'profiles.in-use': 'in use',
    'profiles.sets-nothing': 'as your settings say',
    'profiles.saved': 'Saved. It goes from the next job on.',
    'profiles.unknown': '{name} (does not exist: balanced is used)',
    'profiles.file': 'Your profiles and rules are kept in {file}.',
    'profiles.new': 'New profile',
    'profiles.new-title': 'New profile',
    'profiles.edit': 'Edit profile',
    'profiles.edit-title': 'Profile {name}',
    'profiles.copy': 'Copy profile',
    'profiles.delete': 'Delete profile',
    'profiles.delete-sure': 'Delete the profile {name}?',
    'profiles.save': 'Save profile',
    'profiles.cancel': 'Close without saving',
    'profiles.name': 'Profile name',
    'profiles.name-info': '1 to 40 characters',
    'profiles.name-missing': 'Give the profile a name.',
    'profiles.name-wrong': 'A name has at most 40 characters, and none of / \\ ? # %.',
    'profiles.taken': 'There is a profile of this name already; edit it, or choose another name.',
    'profiles.as-settings': 'as in Settings ({value})',

    'field.limits': '{minimum} to {maximum} {unit}',
    'field.wrong': 'Must be a number from {minimum} to {maximum}.',
    'field.wrong-whole': 'Must be a whole number from {minimum} to {maximum}.',

    'rules.title': 'Rules for auto',
    'rules.what': 'Asked from top to bottom before each job; the first rule whose conditions all hold chooses the profile.',
    'rules.number': 'Rule {number}',
    'rules.profile': 'Then use',
    'rules.add': 'Add rule',
    'rules.save': 'Save rules',
    'rules.discard': 'Discard changes',
    'rules.unsaved': 'Changed, not saved yet.',
    'rules.saved': 'Saved. They go from the next job on.',
    'rules.delete': 'Delete rule',
    'rules.up': 'Move rule {number} up',
    'rules.down': 'Move rule {number} down',
    'rules.add-condition': 'Add condition …',
    'rules.remove-condition': 'Remove condition: {label}',

    'extras.title': 'Extras of the browser',
    'extras.icon-on': "The icon of the browser's tab shows the progress.",
    'extras.icon-off': "Progress in the icon of the browser's tab is switched off.",
    'extras.note-off': 'A notification when a job has finished is switched off. Both are switched in Settings.',
    'extras.note-default': 'A notification when a job has finished is switched on, but this browser has to be asked.',
    'extras.note-granted': 'A notification comes when a job has finished while you look elsewhere.',
    'extras.note-denied': 'This browser forbids notifications from this page; allow them in its own settings.',
    'extras.note-missing': 'This browser gives no notifications on this page; it may want https.',
    'extras.allow': 'Allow notifications',
    'extras.finished': 'SD.Next has finished',
    'extras.after': 'after {time}',
  };
})();
