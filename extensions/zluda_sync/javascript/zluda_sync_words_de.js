// The panel in German. What is missing here stays English.
(() => {
  const words = ((window.zludaSync ??= {}).words ??= {});

  words.de = {
    'text.joint': ' ',
    'text.subject': '{subject} {rest}',
    'text.field': '{subject}, {field}',
    'text.stop': '.',
    'time.ms': '{value} ms',
    'time.s': '{value} s',
    'time.min': '{minutes} min {seconds} s',
    'time.whole-min': '{minutes} min',
    'time.h': '{hours} h {minutes} min',

    'answer.status': 'SD.Next lehnt ab: Status {status}.',
    'answer.none': 'SD.Next antwortet nicht.',

    'now.title': 'Jetzt',
    'now.bar': 'Fortschritt des ganzen Auftrags',
    'now.idle': 'Bereit',
    'now.not-followed': 'Wird nicht verfolgt',
    'now.testing': 'Die GPU wird getestet',
    'now.checking': 'Die GPU wird geprüft',
    'now.gone': 'SD.Next antwortet nicht',
    'now.unloaded': 'ZLUDA Sync ist nicht mehr geladen',
    'now.unloaded-remedy':
      'Laden Sie diese Seite neu: SD.Next läuft ohne ZLUDA Sync. Um ' +
      'es wieder zu haben, schalten Sie es unter Extensions ein, wenden Sie das an, und laden Sie neu.',
    'now.eta': 'noch {time}',
    'now.eta-guessed': 'noch etwa {time}',
    'now.eta-below': 'noch weniger als {time}',
    'now.eta-range': 'noch {from} bis {to}',
    'now.eta-unknown': 'Restzeit noch nicht bekannt',
    'now.compiling': 'Kernel für die GPU werden übersetzt: das geschieht nur einmal.',
    'now.counts': '{completed} von {total} fertig, {waiting} in der Warteschlange',
    'now.one-step': '{count} Schritt',
    'now.n-steps': '{count} Schritte',
    'now.steps': 'Schritte',
    'now.ahead': 'Vorsprung',
    'now.mode': 'Modus',
    'now.rung': 'Messung',
    'now.profile': 'Profil',
    'now.auto-mode': '{mode}, laut Selbsttest',
    'now.auto-untested': '{mode}, bis der Selbsttest gemacht ist',
    'now.profile-why': '{name}: {reason}',
    'now.device': 'Gerät',
    'now.problems': 'An der Konfiguration stimmt etwas nicht',

    'bar.image': 'Bild {image}: {phase}',
    'bar.elapsed': '{time} bisher',
    'bar.elapsed-below': 'weniger als {time} bisher',
    'bar.done-at': 'fertig um {time}',
    'bar.last': 'Letzter Auftrag: {outcome} nach {took}, {at}',
    'bar.last-lost': 'Letzter Auftrag: verloren, sein Ende war nicht zu sehen; begonnen {at}',
    'bar.today-one': 'heute: 1 Auftrag in {time}',
    'bar.today': 'heute: {count} Aufträge in {time}',
    'controls.stop': 'Stopp',
    'controls.after-image': 'Nach dem Bild stoppen',
    'controls.after-image-short': 'Nach dem Bild',
    'controls.after-image-on': 'Nach dem Bild stoppen: der Auftrag endet mit diesem Bild',
    'controls.after-image-last': 'Nach dem Bild stoppen: in diesem Auftrag kommt kein weiteres Bild',
    'controls.pause': 'Pause',
    'controls.resume': 'Weiter',
    'controls.skip': 'Überspringen',
    'controls.preview': 'Die neueste Vorschau',

    'estimate.about': 'etwa {time} ({from} bis {to})',
    'estimate.yours': 'Ihrer beginnt in etwa {time}',
    'estimate.next': 'ein neuer Auftrag begänne in etwa {time}',
    'estimate.after-unknown': 'vorher kommt etwas von unbekannter Dauer',

    'mode.auto': 'auto (vom Selbsttest gewählt)',
    'mode.every-step': 'every-step (wartet nach jedem Schritt)',
    'mode.run-ahead': 'run-ahead (hält den nächsten Schritt bereit)',
    'mode.observe': 'observe (wartet nie, sieht nur zu)',
    'mode.off': 'off (aus)',

    'rung.passive-counter': 'ein Zähler, den die GPU schreibt',
    'rung.planted-event': 'ein Ereignis hinter jedem Schritt',
    'rung.lagged-wait': 'Warten auf den Schritt davor',
    'rung.device-synchronize': 'Warten auf die ganze GPU',
    'rung.stream-synchronize': 'Warten auf alles, was ansteht',
    'rung.read-back': 'ein zurückgelesener Wert',

    'phase.prepare': 'Vorbereitung',
    'phase.prompt': 'Prompt verbessern',
    'phase.load': 'Modell wird geladen',
    'phase.encode': 'Text kodieren',
    'phase.denoise': 'Entrauschen',
    'phase.hires': 'Hires',
    'phase.refine': 'Verfeinern',
    'phase.detail': 'Details',
    'phase.upscale': 'Hochskalieren',
    'phase.decode': 'VAE-Dekodierung',
    'phase.save': 'Speichern',
    'phase.caption': 'Beschreibung',
    'phase.interpolate': 'Zwischenbilder',
    'phase.export': 'Video speichern',

    'verdict.title': 'Stimmt der Balken?',
    'verdict.yes': 'Ja.',
    'verdict.unknown': 'Nicht sicher.',
    'verdict.off': 'Wird nicht verfolgt: es ist der eigene Balken von SD.Next.',
    'verdict.untested': 'Noch nicht getestet.',
    'verdict.being-tested': 'Wird gerade getestet.',
    'verdict.checked-meanwhile': 'Bis dahin werden die ersten Schritte jedes Auftrags geprüft.',
    'verdict.blocking': 'Dieses Gerät lässt SD.Next von selbst warten: was ansteht, ist auch fertig.',
    'verdict.unfinished':
      'Schließen Sie andere Programme, die die GPU benutzen, und drücken Sie unten „Selbsttest ' +
      'starten“.',
    'verdict.no-rung':
      'Keine Art, diese GPU zu fragen, sagte die Wahrheit. Erneuern Sie den Treiber und drücken Sie ' +
      'unten „Selbsttest starten“; bleibt es dabei, wählen Sie das Profil off und senden Sie den ' +
      'Bericht unten.',
    'verdict.chosen-lies':
      'Der Weg, den Sie in den Einstellungen gewählt haben ({rung}), sagte im Selbsttest nicht die ' +
      'Wahrheit. Stellen Sie „Woran zu erkennen ist, dass ein Schritt fertig ist“ auf auto.',
    'verdict.costly':
      'Ihre GPU meldet wahrheitsgemäß, wann alles fertig ist, aber nicht die einzelnen Schritte. Darum ' +
      'wartet SD.Next nach jedem Schritt auf sie.',
    'verdict.truthful': 'Ihre GPU meldet wahrheitsgemäß, was fertig ist; ein Schritt Vorsprung ist sicher.',
    'verdict.ahead':
      'Im Auftrag von {when} waren höchstens {count} Schritte zugleich unterwegs, der laufende mitgezählt.',
    'verdict.ahead-one': 'Im Auftrag von {when} war nie mehr als ein Schritt unterwegs.',
    'verdict.bars':
      'Bei denselben Wartezeiten hätte der Balken von SD.Next im Mittel {stockMean} danebengelegen, ' +
      'höchstens {stock}; dieser lag im Mittel {mean} daneben, höchstens {own}.',
    'verdict.own-bar': 'Der Balken lag höchstens {own} daneben.',
    'verdict.falls': 'Der von SD.Next wäre {count} zurückgefallen.',
    'verdict.once': 'einmal',
    'verdict.times': '{count}-mal',
    'verdict.learning':
      'Der erste Auftrag seiner Art ist geschätzt; der nächste wird aus ihm vorhergesagt.',

    'plot.table': 'Zahlen als Tabelle',
    'plot.seconds': 'Sekunden seit Beginn',
    'plot.steps': 'Schritte',
    'plot.share': 'Anteil des Auftrags',
    'plot.step-number': 'Schritt',
    'plot.step-time': 'Zeit je Schritt',

    'job.title': 'Ein Auftrag, genau betrachtet',
    'job.none': 'Noch kein Auftrag. Machen Sie ein Bild, dann erscheint er hier.',
    'job.none-followed': 'Aufträge werden gerade nicht verfolgt, darum erscheint hier keiner.',
    'job.untitled': 'Auftrag ohne Titel',
    'job.profile': 'Profil {name} ({reason})',
    'job.export-json': 'Diesen Auftrag sichern (JSON)',
    'job.export-chrome': 'Diesen Auftrag für Perfetto sichern',

    'steps.title': 'Gestartete und fertige Schritte',
    'steps.step': 'Schritt',
    'steps.launched': 'Von SD.Next gestartet',
    'steps.completed': 'Von der GPU fertiggestellt',
    'steps.ahead': 'Unterwegs',
    'steps.sentence':
      '{launched} Schritte gestartet und {completed} fertig in {time}; höchstens {ahead} waren zugleich ' +
      'unterwegs.',
    'steps.none': 'Noch kein Schritt gestartet.',
    'steps.unrecorded': 'Kein Schritt wurde aufgezeichnet.',

    'bars.title': 'Was der Balken zeigte',
    'bars.time': 'Zeit',
    'bars.shown': 'Dieser Balken',
    'bars.stock': 'Der von SD.Next',
    'bars.true': 'Wahrer Anteil der Zeit',
    'bars.sentence':
      'Dieser Balken lag höchstens {own} daneben, im Mittel {mean}. Bei denselben Wartezeiten hätte der ' +
      'von SD.Next bis zu {stock} danebengelegen, im Mittel {stockMean}, und wäre {falls} zurückgefallen.',
    'bars.own': 'Dieser Balken lag höchstens {own} daneben, im Mittel {mean}.',
    'bars.running': 'Wie genau er war, steht fest, wenn der Auftrag fertig ist.',
    'bars.unfinished':
      'Der Auftrag lief nicht wie geplant, darum gibt es keinen wahren Anteil zum Vergleich.',
    'bars.none': 'Kein Balken wurde aufgezeichnet.',

    'cells.title': 'Zeit jeder Zelle',
    'cells.usual': 'Eine Zelle mit allen ihren Bildern',
    'cells.cell': 'Zelle {number}',
    'cells.head': 'Zelle',
    'cells.began': 'Begann',
    'cells.length': 'Zeit',
    'cells.sentence': '{count} Zellen; Median {median}, längste {longest}.',
    'times.title': 'Zeit jedes Schritts auf der GPU',
    'times.usual': 'Üblich',
    'times.compile': 'Erster Schritt, mit Kernel-Übersetzung',
    'times.outlier': 'Ausreißer',
    'times.phase': 'Phase',
    'times.time': 'Zeit',
    'times.kind': 'Art',
    'times.sentence': '{count} Schritte; Median {median}, längster {longest}.',
    'times.compiled': 'Im ersten wurden Kernel übersetzt; er dauerte {time}.',
    'times.one-outlier': 'Ein Schritt war ungewöhnlich langsam.',
    'times.outliers': '{count} Schritte waren ungewöhnlich langsam.',
    'times.none': 'Noch kein Schritt ist fertig.',
    'times.unrecorded': 'Keine Zeit eines Schritts wurde aufgezeichnet.',

    'costs.title': 'Was es gekostet hat',
    'costs.wait': 'SD.Next wartete auf die GPU',
    'costs.wait-note': 'Die GPU arbeitet währenddessen: Zeit geht nur verloren, wo ihr die Arbeit ausgeht.',
    'costs.preview': 'Vorschau',
    'costs.preview-note': 'Zeit, in der Vorschaubilder entstanden und kopiert wurden.',
    'costs.share': '{share} des Auftrags',
    'costs.previews': '({count} gezeigt)',

    'history.title': 'Aufträge',
    'history.none': 'Kein Auftrag ist gemerkt.',
    'history.began': 'Begann',
    'history.job': 'Auftrag',
    'history.outcome': 'Ausgang',
    'history.time': 'Zeit',
    'history.steps': 'Schritte',
    'history.step-time': 'Schritt, Median',
    'history.mode': 'Modus',
    'history.source': 'Von',
    'history.follow': 'Dem neuesten Auftrag folgen',
    'history.export': 'Alle Aufträge sichern (JSON)',

    'outcome.finished': 'Fertig',
    'outcome.stopped': 'Gestoppt',
    'outcome.skipped': 'Übersprungen',
    'outcome.some-skipped': 'Fertig ({count} von {asked} übersprungen)',
    'outcome.stopped-after': 'Gestoppt ({finished} von {asked} fertig)',
    'outcome.failed': 'Fehlgeschlagen',
    'outcome.failed-after': 'Fehlgeschlagen ({finished} von {asked} fertig)',
    'outcome.running': 'Läuft',
    'outcome.unheard': 'Lief bei der letzten Nachricht',
    'outcome.lost': 'Verloren: sein Ende war nicht zu sehen',
    'source.page': 'Seite',
    'source.api': 'API',
    'source.script': 'Skript',
    'source.unknown': 'Unbekannt',

    'stops.title': 'Wie schnell Stopp war',
    'stops.none': 'Kein Auftrag wurde gestoppt.',
    'stops.phase': 'Gestoppt in',
    'stops.count': 'Anzahl',
    'stops.acknowledged': 'Bestätigt, Median',
    'stops.ended': 'Beendet nach, Median',
    'stops.longest': 'Längster',
    'stops.launched': 'Danach gestartete Schritte',
    'stops.queued': 'Davor wartende Schritte',

    'speeds.title': 'Wie schnell jedes Modell war',
    'speeds.none': 'Noch kein Auftrag ist fertig.',
    'speeds.week': 'Woche ab',
    'speeds.model': 'Modell',
    'speeds.size': 'Größe',
    'speeds.jobs': 'Aufträge',
    'speeds.step': 'Schritt, Median',

    'selftest.title': 'Selbsttest',
    'selftest.what':
      'Versucht sechs Wege, zu erfahren, wann die GPU fertig ist, und nimmt den ersten dieser Liste, ' +
      'der die Wahrheit sagt und fast nichts kostet. Dauert einige Sekunden, in denen die GPU ' +
      'beschäftigt ist.',
    'selftest.start': 'Selbsttest starten',
    'selftest.progress': 'Selbsttest',
    'selftest.none': 'Noch kein Ergebnis.',
    'selftest.called-off':
      'Der Test wurde abgebrochen, weil ein Auftrag die GPU brauchte. Starten Sie ihn noch einmal, ' +
      'wenn SD.Next nichts zu tun hat.',
    'selftest.in-use': 'in Gebrauch',
    'selftest.legend':
      'Meldung bei: wann die Meldung kam, als Anteil der Zeit, die die Arbeit zuvor gebraucht hatte. ' +
      'Er sollte nahe 1 liegen und schwankt auf einem beschäftigten Rechner. Entscheidend ist, wie ' +
      'viel Arbeit nach der Meldung noch übrig war: höchstens ein Augenblick.',
    'selftest.taken': '{when}, in {time}',
    'selftest.unfinished': 'endete früh: {why}',
    'selftest.rung': 'Weg',
    'selftest.verdict': 'Urteil',
    'selftest.reason': 'Warum',
    'selftest.report-at': 'Meldung bei, Anteil der Arbeit',
    'selftest.residual': 'Danach übrige Arbeit, ms',
    'selftest.cost': 'Kosten, µs je Schritt',
    'selftest.truthful': 'wahr',
    'selftest.lies': 'nicht wahr',
    'selftest.untried': 'nicht versucht',

    'tab.what': 'ZLUDA Sync: was die GPU fertig hat',
    'check.title': 'Prüfung dieser Karte',
    'check.what':
      'Führt den Selbsttest aus und dann kurze feste Aufträge in jedem Modus, mit und ohne das eigene ' +
      'Warten von SD.Next nach jedem Schritt, und vergleicht Balken, Schritte und Vorschau mit der ' +
      'Wirklichkeit. Dauert etwa eine Minute, beim ersten Mal Minuten mehr für Kernel, die übersetzt ' +
      'werden; die GPU ist dann beschäftigt.',
    'check.start': 'Diese Karte prüfen',
    'check.none': 'Noch nicht geprüft.',
    'check.running': 'Die Prüfung läuft: {share}. Ein Auftrag, den Sie starten, beendet sie.',
    'check.taken': '{when} · {device} · verglichen mit: {truth}',
    'check.on': 'an',
    'check.off': 'aus',
    'check.mode': 'Modus',
    'check.sync': 'Warten von SD.Next',
    'check.wall': 'Zeit',
    'check.bar': 'Balken daneben um',
    'check.steps': 'Schritte daneben um',
    'check.lead': 'Schritte zu früh',
    'check.previews': 'Vorschau',
    'check.torn': 'Nicht ihr Schritt',
    'check.early': 'Zu früh',
    'check.says.true': 'Ihr Balken stimmt auf {steps} Schritte genau.',
    'check.says.saves': ' Das ist {saved} schneller als volles Warten nach jedem Schritt.',
    'check.says.early': 'Ihr Balken stimmt nicht: „{rung}“ meldet Schritte, die nicht fertig sind.',
    'check.says.late': 'Ihr Balken kommt bis zu {steps} Schritte zu spät.',
    'check.says.torn': 'Manche Vorschaubilder zeigen nicht den Schritt, den sie nennen.',
    'check.says.lost': 'Ihr Balken lässt sich nicht verfolgen.',
    'check.says.blocking':
      'Diese Karte hält SD.Next von selbst zurück: nichts zu gewinnen und nichts nötig.',
    'check.says.blocksLater':
      'Diese Karte hält SD.Next nach {launches} Operationen von selbst zurück: nichts zu gewinnen und ' +
      'nichts nötig.',
    'check.says.untold':
      'Was stimmt, ließ sich auf dieser Karte nicht erfahren: keine zwei Wege stimmen überein, oder ' +
      'von den Aufträgen war zu wenig zu sehen; bitte senden Sie den Bericht.',
    'check.says.everyStepHelps':
      ' Starten Sie den Selbsttest noch einmal; bleibt es dabei, wählen Sie den Modus every-step und ' +
      'melden Sie Ihre Karte.',
    'check.says.noModeHelps':
      ' Starten Sie den Selbsttest noch einmal; bleibt es dabei, wählen Sie den Modus off und senden ' +
      'Sie den Bericht.',
    'check.says.unsure':
      'Nicht sicher: der Rechner war beschäftigt. Schließen Sie andere Programme und drücken Sie noch ' +
      'einmal.',
    'report.title': 'Bericht über Ihre Karte',
    'report.what':
      'Für alle, die dies verbessern: was über Ihre Karte herauskam. Er nennt ihren Namen, Treiber und ' +
      'Versionen, Ihre Einstellungen, den Selbsttest, die letzte Prüfung und welche Zeilen im ' +
      'Protokoll standen; keinen Prompt, keinen Pfad und keinen Namen von Ihnen, Ihrem Rechner oder ' +
      'einem Modell. Sie sehen ihn, bevor Sie ihn kopieren, und nichts wird irgendwohin gesendet.',
    'report.make': 'Bericht anzeigen',
    'report.copy': 'Kopieren',
    'report.copied': 'Kopiert',
    'report.by-hand':
      'Dieser Browser lässt die Seite nicht kopieren. Der Text ist markiert: drücken Sie Strg+C.',

    'profiles.title': 'Profile',
    'profiles.chosen': 'Profil in Gebrauch',
    'profiles.auto': 'auto (nach den Regeln unten)',
    'profiles.in-use': 'in Gebrauch',
    'profiles.sets-nothing': 'wie in Ihren Einstellungen',
    'profiles.saved': 'Gespeichert. Gilt ab dem nächsten Auftrag.',
    'profiles.saved-by-rules': 'Gespeichert. Gilt ab dem nächsten Auftrag, wo die Regeln es wählen.',
    'profiles.kept': 'Gespeichert. Es gilt, sobald Sie es oben oder in einer Regel für auto wählen.',
    'profiles.deleted': 'Gelöscht.',
    'profiles.unknown': '{name} (gibt es nicht: balanced wird verwendet)',
    'profiles.file': 'Ihre Profile und Regeln stehen in {file}.',
    'profiles.new': 'Neues Profil',
    'profiles.new-title': 'Neues Profil',
    'profiles.edit': 'Profil ändern',
    'profiles.edit-title': 'Profil {name}',
    'profiles.copy': 'Profil kopieren',
    'profiles.delete': 'Profil löschen',
    'profiles.delete-sure': 'Das Profil {name} löschen?',
    'profiles.save': 'Profil speichern',
    'profiles.cancel': 'Schließen, ohne zu speichern',
    'profiles.name': 'Name des Profils',
    'profiles.name-info': '1 bis 40 Zeichen',
    'profiles.name-missing': 'Geben Sie dem Profil einen Namen.',
    'profiles.name-wrong': 
      'Ein Name hat höchstens 40 Zeichen, ist nicht „.“ oder „..“ und enthält keines von / \\ ? # %.',
    'profiles.taken':
      'Ein Profil dieses Namens gibt es schon; ändern Sie es, oder wählen Sie einen anderen Namen.',
    'profiles.sets': '{field}: {value}',
    'profiles.as-settings': 'wie in den Einstellungen ({value})',

    'field.limits': '{minimum} bis {maximum} {unit}',
    'field.wrong': 'Muss eine Zahl von {minimum} bis {maximum} sein.',
    'field.wrong-whole': 'Muss eine ganze Zahl von {minimum} bis {maximum} sein.',

    'rules.title': 'Regeln für auto',
    'rules.what':
      'Werden vor jedem Auftrag von oben nach unten geprüft; die erste Regel, deren Bedingungen alle ' +
      'zutreffen, wählt das Profil.',
    'rules.none': 'Ohne Regel gilt für jeden Auftrag das Profil balanced.',
    'rules.number': 'Regel {number}',
    'rules.in-file': 'Regel {number} in {file}',
    'rules.profile': 'Dann verwende',
    'rules.add': 'Regel hinzufügen',
    'rules.save': 'Regeln speichern',
    'rules.discard': 'Änderungen verwerfen',
    'rules.unsaved': 'Geändert, noch nicht gespeichert.',
    'rules.saved': 'Gespeichert. Gilt ab dem nächsten Auftrag.',
    'rules.kept': 'Gespeichert. Gilt, sobald auto das Profil in Gebrauch ist.',
    'rules.delete': 'Regel löschen',
    'rules.up': 'Regel {number} nach oben',
    'rules.down': 'Regel {number} nach unten',
    'rules.add-condition': 'Bedingung hinzufügen …',
    'rules.always': 'Immer: ohne Bedingung gilt diese Regel für jeden Auftrag.',
    'rules.empty': 'Füllen Sie dies aus, oder entfernen Sie die Bedingung.',
    'rules.remove-condition': 'Bedingung entfernen: {label}',

    'news.title': 'ZLUDA Sync {version}: was neu ist',

    'extras.title': 'Extras des Browsers',
    'extras.icon-on': 'Das Symbol des Browser-Tabs zeigt den Fortschritt.',
    'extras.icon-off': 'Der Fortschritt im Symbol des Browser-Tabs ist ausgeschaltet.',
    'extras.note-off':
      'Mitteilungen, wenn ein Auftrag fertig ist, sind ausgeschaltet. Beides schalten Sie in den ' +
      'Einstellungen.',
    'extras.note-default':
      'Mitteilungen, wenn ein Auftrag fertig ist, sind eingeschaltet, aber dieser Browser muss sie ' +
      'noch erlauben.',
    'extras.note-granted': 'Eine Mitteilung kommt, wenn ein Auftrag fertig ist, während Sie anderswo sind.',
    'extras.note-denied':
      'Dieser Browser verbietet Mitteilungen dieser Seite; erlauben Sie sie in seinen eigenen ' +
      'Einstellungen.',
    'extras.note-missing':
      'Dieser Browser zeigt für diese Seite keine Mitteilungen; vielleicht braucht es https.',
    'extras.allow': 'Mitteilungen erlauben',
    'extras.finished': 'SD.Next ist fertig',
    'extras.after': 'nach {time}',

    // What the server says, by its English text; {name} stands for what is put in.
    said: {
      // labels
      'Paused: {rest}': 'Pausiert: {rest}',
      'Stopping: {rest}': 'Wird gestoppt: {rest}',
      'Skipping: {rest}': 'Wird übersprungen: {rest}',
      '{rest}, then stop': '{rest}, dann Stopp',
      '{rest}, nothing finished for {seconds} s': '{rest}, seit {seconds} s nichts fertig',
      '{rest} ({rung} failed, using {other} instead)': '{rest} ({rung} versagt, jetzt {other})',
      '{rest} ({rung} failed, no way is left to follow this job)':
        '{rest} ({rung} versagt, dieser Auftrag ist nicht mehr zu verfolgen)',
      'Cell {count} · Image {number}: {work}': 'Zelle {count} · Bild {number}: {work}',
      'Cell {count}: {work}': 'Zelle {count}: {work}',
      'Image {number}: {work}': 'Bild {number}: {work}',
      'Compiling kernels (first run) {seconds} s': 'Kernel werden übersetzt (erster Lauf) {seconds} s',
      'Finishing {count} queued step': '{count} wartender Schritt wird fertig',
      'Finishing {count} queued steps': '{count} wartende Schritte werden fertig',
      '{count} queued step': '{count} wartender Schritt',
      '{count} queued steps': '{count} wartende Schritte',
      '{phase} {count} token': '{phase} {count} Token',
      '{phase} {count} tokens': '{phase} {count} Token',
      'Loading model {seconds} s': 'Modell wird geladen {seconds} s',
      'Denoise {count}': 'Entrauschen {count}',
      'Hires {count}': 'Hires {count}',
      'Refine {count}': 'Verfeinern {count}',
      'Detail {count}': 'Details {count}',
      'Interpolate {count}': 'Zwischenbilder {count}',
      'VAE decode {count}': 'VAE-Dekodierung {count}',
      'Upscale {count}': 'Hochskalieren {count}',
      'Saving video {count}': 'Video speichern {count}',
      'Caption {count}': 'Beschreibung {count}',
      'Preparing': 'Vorbereitung',
      'Prompt enhance': 'Prompt verbessern',
      'Loading model': 'Modell wird geladen',
      'Text encode': 'Text kodieren',
      'Denoise': 'Entrauschen',
      'Upscale': 'Hochskalieren',
      'VAE decode': 'VAE-Dekodierung',
      'Detailer': 'Detailer',
      'Saving': 'Speichern',
      'Caption': 'Beschreibung',
      'Interpolate': 'Zwischenbilder',
      'Saving video': 'Video speichern',
      'Hires': 'Hires',
      'Refine': 'Verfeinern',
      'Detail': 'Details',
      'Paused': 'Pausiert',
      'Finishing': 'Gleich fertig',
      'Queued': 'Wartet',
      // titles of jobs
      'loading a model': 'Laden eines Modells',
      '{count} cells of {title}': '{count} Zellen zu je {title}',
      '{count} image upscaled': '{count} Bild hochskaliert',
      '{count} images upscaled': '{count} Bilder hochskaliert',
      '{count} image described': '{count} Bild beschrieben',
      '{count} images described': '{count} Bilder beschrieben',
      '{count} image': '{count} Bild',
      '{count} images': '{count} Bilder',
      '{count} x {number}': '{count} x {number}',
      'hires': 'Hires',
      'refine': 'Verfeinern',
      'detail': 'Details',
      // why a profile
      'chosen in Settings': 'in den Einstellungen gewählt',
      'rules are asked when a job begins': 'die Regeln entscheiden, wenn ein Auftrag beginnt',
      'no rule matches': 'keine Regel passt',
      'there is no profile {name}': 'es gibt kein Profil {name}',
      'rule {number}: {conditions}': 'Regel {number}: {conditions}',
      'any job': 'jeder Auftrag',
      'batch count {count} or more': 'Stapelanzahl mindestens {count}',
      'batch count {count} or less': 'Stapelanzahl höchstens {count}',
      'size of a picture {count} or more': 'Bildgröße mindestens {count}',
      'size of a picture {count} or less': 'Bildgröße höchstens {count}',
      'steps {count} or more': 'mindestens {count} Schritte',
      'steps {count} or less': 'höchstens {count} Schritte',
      'model type {name}': 'Modelltyp {name}',
      'device {name}': 'Gerät {name}',
      'asked for by {name}': 'angefordert von {name}',
      // why it acts, or why not
      'on ZLUDA SD.Next queues work without bound':
        'über ZLUDA stellt SD.Next der GPU unbegrenzt Arbeit in die Warteschlange',
      'you have chosen to act on every GPU': 'Sie haben „auf jeder GPU“ gewählt',
      'this device is not on ZLUDA; Settings > ZLUDA Sync > Where to act has other choices':
        'dieses Gerät läuft nicht über ZLUDA; andere Möglichkeiten unter Einstellungen > ZLUDA Sync > Wo ' +
        'es eingreift',
      'nothing but a full wait tells steps apart on this GPU, and SD.Next\'s Force synchronize is off':
        'auf dieser GPU trennt nur vollständiges Warten die Schritte, und Force synchronize von SD.Next ' +
        'ist aus',
      'in the self-test SD.Next could queue {amount} ahead of this GPU':
        'im Selbsttest konnte SD.Next dieser GPU um {amount} vorauseilen',
      '{count} operations': '{count} Operationen',
      '{count} operation': '{count} Operation',
      'thousands of operations': 'Tausende Operationen',
      'SD.Next was seen {count} steps ahead of this GPU with this model':
        'mit diesem Modell war SD.Next dieser GPU {count} Schritte voraus',
      'no self-test can run here; what the GPU reports is checked in each job':
        'hier ist kein Selbsttest möglich; was die GPU meldet, wird in jedem Auftrag geprüft',
      'no self-test can run here; what the GPU reports is checked in each job; {rest}':
        'hier ist kein Selbsttest möglich; was die GPU meldet, wird in jedem Auftrag geprüft; {rest}',
      'the self-test could not be finished on this device: {why}; see Where to act in Settings':
        'der Selbsttest ließ sich auf diesem Gerät nicht beenden: {why}; siehe „Wo es eingreift“ in den ' +
        'Einstellungen',
      ['the self-test is made once SD.Next is idle, and has not been made on this device; see Where ' +
      'to act in Settings']:
        'der Selbsttest läuft, sobald SD.Next nichts zu tun hat, und steht auf diesem Gerät noch aus; ' +
        'siehe „Wo es eingreift“ in den Einstellungen',
      ['the self-test could not tell whether SD.Next runs ahead on this device; see Where to act in ' +
      'Settings']:
        'der Selbsttest konnte nicht sagen, ob SD.Next diesem Gerät vorauseilt; siehe „Wo es eingreift“ ' +
        'in den Einstellungen',
      'this GPU holds SD.Next back by itself: SD.Next\'s own progress is true here':
        'diese GPU hält SD.Next von selbst zurück: dessen eigener Fortschritt stimmt hier',
      'this GPU holds SD.Next back after {count} operations: SD.Next\'s own progress is true here':
        'diese GPU hält SD.Next nach {count} Operationen zurück: dessen eigener Fortschritt stimmt hier',
      'switched off: Follow the GPU is unchecked in Settings > ZLUDA Sync':
        'ausgeschaltet: „Der GPU folgen“ ist unter Einstellungen > ZLUDA Sync nicht angekreuzt',
      'switched off: the profile {name} has mode off ({reason})':
        'ausgeschaltet: das Profil {name} hat den Modus off ({reason})',
      'SD.Next computes on {name}, and torch cannot tell when that has finished: nothing to follow':
        'SD.Next rechnet auf {name}, und torch kann nicht sagen, wann das fertig ist: nichts zu verfolgen',
      'a device of the kind "{name}"': 'einem Gerät der Art „{name}“',
      'SD.Next computes with OpenVINO, which torch does not see into: there is nothing to follow':
        'SD.Next rechnet mit OpenVINO, in das torch nicht hineinsieht: nichts zu verfolgen',
      'SD.Next has chosen no device so far: there is nothing to follow':
        'SD.Next hat noch kein Gerät gewählt: nichts zu verfolgen',
      'SD.Next computes on the CPU: there is nothing to follow':
        'SD.Next rechnet auf der CPU: nichts zu verfolgen',
      'ZLUDA Sync follows no jobs here': 'ZLUDA Sync verfolgt hier keine Aufträge',
      'not active: {why}': 'nicht aktiv: {why}',
      // the self-test
      'your GPU reports truthfully what it has finished; one step of head start is safe':
        'Ihre GPU meldet wahrheitsgemäß, was fertig ist; ein Schritt Vorsprung ist sicher',
      'one step of head start is safe': 'ein Schritt Vorsprung ist sicher',
      'this device waits by itself: nothing needs to be done':
        'dieses Gerät lässt SD.Next von selbst warten: nichts ist zu tun',
      'no quick way to ask this GPU told the truth ({why}); there is a wait for it after each step':
        'keine schnelle Art, diese GPU zu fragen, sagte die Wahrheit ({why}); SD.Next wartet nach jedem ' +
        'Schritt auf sie',
      'none was tried': 'keine wurde versucht',
      'the self-test was put off: {why}; it is made up for once nothing runs':
        'der Selbsttest wurde verschoben: {why}; er wird nachgeholt, sobald SD.Next nichts zu tun hat',
      'the self-test did not finish: {why}; there is a wait for the GPU after each step':
        'der Selbsttest kam nicht zu Ende: {why}; SD.Next wartet nach jedem Schritt auf die GPU',
      'no self-test so far; it is made once nothing has run for a moment':
        'noch kein Selbsttest; er läuft, sobald SD.Next kurz nichts zu tun hat',
      '{why}, and nothing to test': '{why}, und nichts zu testen',
      '{name} has chosen no device so far: there is nothing to test':
        '{name} hat noch kein Gerät gewählt: nichts zu testen',
      '{name} computes on the CPU: there is nothing to test, and nothing needs to be waited for':
        '{name} rechnet auf der CPU: nichts zu testen, und auf nichts ist zu warten',
      'no self-test: {why}': 'kein Selbsttest: {why}',
      'no check: {why}': 'keine Prüfung: {why}',
      'no result: {why}': 'kein Ergebnis: {why}',
      'a self-test runs already': 'ein Selbsttest läuft schon',
      'a check runs already': 'eine Prüfung läuft schon',
      'a job runs; try again when it is done': 'ein Auftrag läuft; versuchen Sie es danach noch einmal',
      'a job began': 'ein Auftrag begann',
      'the session ends': 'die Sitzung endet',
      'the machine was too busy': 'der Rechner war zu beschäftigt',
      'the device did not answer in time': 'das Gerät antwortete nicht rechtzeitig',
      'the GPU is out of memory': 'der GPU fehlt Speicher',
      'another program has the GPU': 'ein anderes Programm hat die GPU',
      'the GPU was lost': 'die GPU ging verloren',
      'the GPU failed: {error}': 'die GPU versagte: {error}',
      'the GPU does not compute what it should': 'die GPU rechnet nicht richtig',
      'could not be judged: the machine was busy': 'nicht zu beurteilen: der Rechner war beschäftigt',
      'was not tried: on this kind of GPU who waits beside holds up who queues':
        'nicht versucht: auf GPUs dieser Art hält, wer nebenher wartet, die Warteschlange auf',
      'fails: {error}': 'versagt: {error}',
      'does not return': 'kehrt nicht zurück',
      'never says that work is done': 'meldet nie, dass etwas fertig ist',
      'keeps the host waiting when it marks a step':
        'lässt SD.Next warten, wenn sie einen Schritt markiert',
      'waits for work queued after its step': 'wartet auf Arbeit, die erst nach ihrem Schritt kam',
      'says too early that work is done: {count} ms were left': 'meldet zu früh: {count} ms fehlten noch',
      'comes before the value': 'kommt vor dem Wert',
      '{rung} reported work as done while the GPU was busy for {count} s more':
        '{rung} meldete Arbeit als fertig, an der die GPU noch {count} s hatte',
      '{rung} did not report step {number}, which is finished':
        '{rung} meldete Schritt {number} nicht, der fertig ist',
      'the GPU has not answered for {seconds} s; progress is no longer followed':
        'die GPU hat seit {seconds} s nicht geantwortet; der Fortschritt wird nicht mehr verfolgt',
      '{rung} failed, using {other} instead': '{rung} versagt, jetzt {other}',
      '{rung} failed, no way is left to follow this job':
        '{rung} versagt, dieser Auftrag ist nicht mehr zu verfolgen',
      'timing events': 'Zeitereignisse',
      'values in memory': 'Werte im Speicher',
      'a value read back': 'ein zurückgelesener Wert',
      // before Generate
      'time known after the first job': 'Dauer nach 1. Auftrag bekannt',
      'reckoned from other settings': 'aus anderen Werten geschätzt',
      'first job may compile kernels': 'evtl. werden Kernel übersetzt',
      'loading the model comes on top': 'Laden des Modells kommt hinzu',
      'the detailer comes on top': 'der Detailer kommt hinzu',
      'the script may change this': 'das Skript kann das ändern',
      'for the input\'s size, give width and height': 'für die Größe geben Sie Breite und Höhe an',
      // profiles
      'Waits for the GPU after each step: for certainty, or to look for a fault.':
        'Wartet nach jedem Schritt auf die GPU: für Gewissheit, oder um einen Fehler zu suchen.',
      ['Follows your settings. By default the GPU always has its next step ready, where the self-test ' +
      'has proved that this is safe.']:
        'Folgt Ihren Einstellungen. Von Haus aus hat die GPU immer den nächsten Schritt bereit, wo der ' +
        'Selbsttest das als sicher erwiesen hat.',
      'Never waits: for long batches. Stop takes as long as what is queued.':
        'Wartet nie: für lange Serien. Stopp dauert so lange wie das, was schon wartet.',
      'SD.Next as it came, to compare.': 'SD.Next, wie es ist, zum Vergleich.',
      // settings
      'Follow the GPU: progress, preview and Stop show what it has finished':
        'Der GPU folgen: Fortschritt, Vorschau und Stopp zeigen, was sie fertig hat',
      'unchecked, SD.Next runs as it came': 'ohne Haken läuft SD.Next, wie es ist',
      'Profile': 'Profil',
      ['precise: waits for the GPU after each step; balanced: follows the settings below, which by ' +
      'default keep the GPU\'s next step ready where the self-test has proved that safe; throughput: ' +
      'never waits, Stop takes as long as what is queued; off: SD.Next as it came; auto: by your ' +
      'rules']:
        'precise: wartet nach jedem Schritt auf die GPU; balanced: folgt den Einstellungen unten, die ' +
        'der GPU von Haus aus den nächsten Schritt bereithalten, wo der Selbsttest das als sicher ' +
        'erwiesen hat; throughput: wartet nie, Stopp dauert so lange wie das, was schon wartet; off: ' +
        'SD.Next, wie es ist; auto: nach Ihren Regeln',
      'Live preview': 'Live-Vorschau',
      ['fitted: learned from your finished pictures, costs next to nothing; host: the method chosen ' +
      'in SD.Next, of finished steps only; none: no previews']:
        'fitted: aus Ihren fertigen Bildern gelernt, kostet fast nichts; host: das in SD.Next gewählte ' +
        'Verfahren, nur von fertigen Schritten; none: keine Vorschau',
      'Where to act': 'Wo es eingreift',
      ['auto: on ZLUDA, and wherever SD.Next is found to run ahead of the GPU, by the self-test or in ' +
      'use; zluda: on ZLUDA only; runs-ahead: on ZLUDA and by the self-test alone; always: on every ' +
      'GPU']:
        'auto: über ZLUDA und überall, wo SD.Next der GPU vorauseilt, nach dem Selbsttest oder im ' +
        'Gebrauch; zluda: nur über ZLUDA; runs-ahead: über ZLUDA, sonst nur nach dem Selbsttest; always: ' +
        'auf jeder GPU',
      'Mode (when to wait for the GPU)': 'Modus (wann auf die GPU gewartet wird)',
      ['auto: run-ahead if the self-test has proved it on this GPU, else every-step, or observe where ' +
      'Force synchronize is off (not on ZLUDA); every-step: after each step; run-ahead: always keeps ' +
      'the GPU\'s next step ready; observe: never, Stop takes as long as what is queued; off: SD.Next ' +
      'as it came']:
        'auto: run-ahead, wenn der Selbsttest es auf dieser GPU bewiesen hat, sonst every-step, oder ' +
        'observe, wo Force synchronize aus ist (nicht über ZLUDA); every-step: nach jedem Schritt; ' +
        'run-ahead: hält der GPU immer den nächsten Schritt bereit; ' +
        'observe: nie, Stopp dauert so lange wie das, was schon wartet; off: SD.Next, wie es ist',
      'Head start, steps': 'Vorsprung, Schritte',
      'Head start': 'Vorsprung',
      'for run-ahead: how many steps may be queued beyond the one that the GPU works on':
        'für run-ahead: wie viele Schritte hinter dem warten dürfen, an dem die GPU arbeitet',
      'How to learn that a step is finished': 'Woran zu erkennen ist, dass ein Schritt fertig ist',
      ['auto: the cheapest way that the self-test found truthful; another one is tried first, and ' +
      'left if it fails or lies']:
        'auto: der billigste Weg, den der Selbsttest für wahr befand; ein anderer wird zuerst versucht ' +
        'und verlassen, wenn er versagt oder lügt',
      'What previews may cost, % of a step': 'Was die Vorschau kosten darf, % eines Schritts',
      'What previews may cost': 'Was die Vorschau kosten darf',
      'where they would cost more, not every step gets one':
        'kostet sie mehr, bekommt nicht jeder Schritt eine',
      'Least time between two previews, s': 'Mindestzeit zwischen zwei Vorschauen, s',
      'Least time between two previews': 'Mindestzeit zwischen zwei Vorschauen',
      '0: as many as their cost allows': '0: so viele, wie ihre Kosten erlauben',
      'How long it will take, beside Generate': 'Voraussichtliche Dauer neben Generate',
      'for the settings on the page, before you press; learned from your own pictures':
        'für die Einstellungen der Seite, bevor Sie drücken; aus Ihren eigenen Bildern gelernt',
      'A wide bar above the pictures': 'Ein breiter Balken über den Bildern',
      'the whole job in its phases, when it will be done, and what was made today':
        'der ganze Auftrag in seinen Phasen, wann er fertig ist, und was heute gemacht wurde',
      'Progress as the icon of the browser\'s tab': 'Fortschritt als Symbol des Browser-Tabs',
      'seen while you work elsewhere': 'zu sehen, während Sie anderswo arbeiten',
      'Tell me when a job is finished': 'Mir sagen, wenn ein Auftrag fertig ist',
      'the browser asks you once, on the ZLUDA Sync tab, whether it may':
        'der Browser fragt einmal auf dem Tab ZLUDA Sync, ob er darf',
      'Keep the last 200 jobs over a restart': 'Die letzten 200 Aufträge über einen Neustart behalten',
      ['their times, without prompts and pictures; unchecked, what was kept before stays on disk, ' +
      'unread, until you delete zluda_sync/jobs.jsonl']:
        'ihre Zeiten, ohne Prompts und Bilder; ohne Haken bleibt das bisher Behaltene ungelesen liegen, ' +
        'bis Sie zluda_sync/jobs.jsonl löschen',
      'Where the profile says nothing': 'Wo das Profil nichts sagt',
      'Extras of the browser': 'Extras des Browsers',
      'What is kept': 'Was behalten wird',
      'explain': 'Erklärung',
      'steps': 'Schritte',
      'megapixels': 'Megapixel',
      '% of a step': '% eines Schritts',
      // conditions of rules
      'Batch count, at least': 'Stapelanzahl, mindestens',
      'Batch count, at most': 'Stapelanzahl, höchstens',
      'Size of a picture, at least': 'Bildgröße, mindestens',
      'Size of a picture, at most': 'Bildgröße, höchstens',
      'Steps, at least': 'Schritte, mindestens',
      'Steps, at most': 'Schritte, höchstens',
      'Model type': 'Modelltyp',
      'as SD.Next calls it: sd, sdxl, f1 …': 'wie SD.Next ihn nennt: sd, sdxl, f1 …',
      'Device': 'Gerät',
      'its name, such as *7900*': 'sein Name, etwa *7900*',
      'Asked for by': 'Angefordert von',
      'page: the button; api: another program; script: one of SD.Next\'s, such as a grid':
        'page: der Knopf; api: ein anderes Programm; script: eines von SD.Next, etwa ein Raster',
      // problems
      'can never match: rule {number} takes every such job; move it further up. {remedy}':
        'kann nie zutreffen: Regel {number} nimmt jeden solchen Auftrag; schieben Sie sie weiter nach ' +
        'oben. {remedy}',
      'is {count}, and {other} {number}: it can never match; the rule is left out. {remedy}':
        'ist {count}, und {other} {number}: das kann nie zutreffen; die Regel wird weggelassen. {remedy}',
      'is {value}, which is no profile; the rule is left out; {rest}':
        'ist {value}, was kein Profil ist; die Regel wird weggelassen; {rest}',
      'is {value}, which is no profile; {rest}': 'ist {value}, was kein Profil ist; {rest}',
      'is missing; the rule is left out; {rest}': 'fehlt; die Regel wird weggelassen; {rest}',
      'is missing; {rest}': 'fehlt; {rest}',
      'is no condition; the rule is left out; {rest}':
        'ist keine Bedingung; die Regel wird weggelassen; {rest}',
      'is no condition; {rest}': 'ist keine Bedingung; {rest}',
      'is no field of a profile and is left out; {rest}':
        'ist kein Feld eines Profils und wird weggelassen; {rest}',
      'is no field of a profile; {rest}': 'ist kein Feld eines Profils; {rest}',
      'is {count}, and {other} {number}: it can never match. {remedy}':
        'ist {count}, und {other} {number}: das kann nie zutreffen. {remedy}',
      'has the name {value}, must be {wanted}; the profile is left out. {remedy}':
        'hat den Namen {value}, muss {wanted} sein; das Profil wird weggelassen. {remedy}',
      'has the name {value}, must be {wanted}. {remedy}':
        'hat den Namen {value}, muss {wanted} sein. {remedy}',
      'has the name of a built-in profile; that one is used. Give yours another than {name}. {remedy}':
        'hat den Namen eines eingebauten Profils; verwendet wird dieses. Geben Sie Ihrem einen anderen ' +
        'als {name}. {remedy}',
      'is {value}, must be {wanted}; the profile is left out. {remedy}':
        'ist {value}, muss {wanted} sein; das Profil wird weggelassen. {remedy}',
      'is {value}, must be {wanted}; the rule is left out. {remedy}':
        'ist {value}, muss {wanted} sein; die Regel wird weggelassen. {remedy}',
      'is {value}, must be {wanted}; the field is left out. {remedy}':
        'ist {value}, muss {wanted} sein; das Feld wird weggelassen. {remedy}',
      'is {value}, must be {wanted}; using {default}. {remedy}':
        'ist {value}, muss {wanted} sein; verwendet wird {default}. {remedy}',
      'is {value}, must be {wanted}. {remedy}': 'ist {value}, muss {wanted} sein. {remedy}',
      'is no setting and is left out; {rest}':
        'ist keine Einstellung und wird weggelassen; {rest}',
      'is {value}, which does not exist; using {default}; {rest}':
        'ist {value}, das es nicht gibt; verwendet wird {default}; {rest}',
      'is {name}, but {conflict}; using the self-test\'s choice. {remedy}':
        'ist {name}, aber {conflict}; verwendet wird die Wahl des Selbsttests. {remedy}',
      'is left out: {conflict}. {remedy}': 'wird weggelassen: {conflict}. {remedy}',
      'does not go with the mode: {conflict}. {remedy}': 'passt nicht zum Modus: {conflict}. {remedy}',
      '{rung} waits for all that is queued, which mode {mode} is not to':
        '{rung} wartet auf alles, was ansteht, was der Modus {mode} nicht soll',
      'is chosen by {users}. Change that first.': 'wird gewählt von {users}. Ändern Sie das zuerst.',
      'cannot be changed: SD.Next was started with --freeze. Start it without.':
        'lässt sich nicht ändern: SD.Next wurde mit --freeze gestartet. Starten Sie es ohne.',
      'Choose another way or mode.': 'Wählen Sie einen anderen Weg oder Modus.',
      'Change it in Settings.': 'Ändern Sie es in den Einstellungen.',
      'Choose one in Settings.': 'Wählen Sie eines in den Einstellungen.',
      'Nothing was saved: correct it and save again.':
        'Es wurde nichts gespeichert: Berichtigen Sie es und speichern Sie noch einmal.',
      'Change it on the ZLUDA Sync tab or in {file}.':
        'Ändern Sie es auf dem Tab ZLUDA Sync oder in {file}.',
      'Take it out of config.json.': 'Nehmen Sie es aus config.json heraus.',
      'did you mean {name}? {remedy}': 'meinten Sie {name}? {remedy}',
      'there are {names}. {remedy}': 'es gibt {names}. {remedy}',
      'a whole number from {count} to {number}': 'eine ganze Zahl von {count} bis {number}',
      'a number from {count} to {number}': 'eine Zahl von {count} bis {number}',
      'a whole number from {count} to {number} ({unit})':
        'eine ganze Zahl von {count} bis {number} ({unit})',
      'a number from {count} to {number} ({unit})': 'eine Zahl von {count} bis {number} ({unit})',
      'is {name}, which no address can carry. Give the profile another name.':
        'ist {name}, was in keiner Adresse stehen kann. Geben Sie dem Profil einen anderen Namen.',
      'a name of 1 to 40 characters, without / \\ ? # % and without spaces around it':
        'ein Name von 1 bis 40 Zeichen, ohne / \\ ? # % und ohne Leerzeichen außen',
      'true or false': 'true oder false',
      'one of {names}, or a list of them': 'eines von {names} oder eine Liste davon',
      'one of {names}': 'eines von {names}',
      'a set of conditions and a profile': 'ein Satz von Bedingungen mit einem Profil',
      'a set of fields and values': 'ein Satz von Feldern und Werten',
      'a text or a list of texts, * stands for anything':
        'ein Text oder eine Liste von Texten, * steht für alles',
      // what is new
      ['One bar over whatever one press makes: grids, loops, folders, films, captions, upscaling, ' +
       'loading a model.']:
        'Ein Balken über alles, was ein Druck auslöst: Raster, Schleifen, Ordner, Filme, ' +
        'Bildbeschreibungen, Hochskalieren, Laden eines Modells.',
      ['Not for ZLUDA alone: it acts on every GPU that SD.Next is found to run ahead of, and nowhere ' +
       'else.']:
        'Nicht nur für ZLUDA: wirkt auf jeder GPU, der SD.Next nachweislich vorauseilt, und nirgends ' +
        'sonst.',
      'How long it will take stands below Generate before you press.':
        'Wie lange es dauern wird, steht schon vor dem Druck unter Generate.',
      ['A wide bar above the pictures, with the job\'s phases side by side, the time so far and when ' +
       'it will be done; between jobs, what the last one took and what was made today. A setting ' +
       'switches it off.']:
        'Ein breiter Balken über den Bildern: die Phasen des Auftrags nebeneinander, die bisherige ' +
        'Zeit und wann er fertig ist; zwischen Aufträgen, was der letzte gebraucht hat und was heute ' +
        'entstand. Eine Einstellung schaltet ihn ab.',
      ['Stop, Pause, Skip and the newest preview on the panel, too; Stop after image beside SD.Next\'s ' +
       'own Stop.']:
        'Stopp, Pause, Überspringen und die neueste Vorschau auch auf dem Panel; „Nach dem Bild stoppen“ ' +
        'neben SD.Nexts eigenem Stopp.',
      ['Without SD.Next and without a GPU: python -m zluda_sync demo shows one job as its queue tells ' +
       'it, and as it is.']:
        'Ohne SD.Next und ohne GPU: python -m zluda_sync demo zeigt einen Auftrag so, wie ihn die ' +
        'Warteschlange meldet, und so, wie er ist.',
      ['The panel is in German too, and says what the server says in the page\'s language. It has a ' +
       'check of your card, the last 200 jobs over a restart, and a report that you can send.']:
        'Das Panel gibt es auch auf Deutsch, und was der Server sagt, steht in der Sprache der Seite. ' +
        'Es prüft Ihre Karte, kennt die letzten 200 Aufträge auch nach einem Neustart und schreibt ' +
        'einen Bericht, den Sie schicken können.',
      'track: the same for any diffusers pipeline in a script of your own.':
        'track: dasselbe für jede Pipeline von diffusers in einem eigenen Skript.',
      ['Looking at a job of a thousand images takes as long as at one of ten, and a step costs half of ' +
       'what it did.']:
        'Ein Auftrag mit tausend Bildern ist so schnell angesehen wie einer mit zehn, und ein Schritt ' +
        'kostet halb so viel wie zuvor.',
      // several of these
      '{one}; {two}': '{one}; {two}',
      '{one}, {two}': '{one}, {two}',
    },
  };
})();
