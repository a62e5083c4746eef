"""What was said in the log, as our own fixed words with everything left out that was put into them.

A line of the log may hold paths, names of models and texts of drivers. A report on a card tells of a line
only which one it was, by the words in which the page of remedies tells it.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Stands in a line for whatever was put into it.
GAP = "…"
#: Lines that are none of these are told by this word, as is what a later version says.
OTHER_LINE = "another line"
#: Every line that the extension says in the log. A test holds them against the page of remedies.
SAID_LINES = (
    "active, mode … on …: …",
    "not active on …: …",
    "SD.Next was seen … steps ahead of …",
    "what was seen ahead in … cannot be used",
    "what was seen ahead cannot be saved to …",
    "self-test in … s: …",
    "… reported work as done while the GPU was busy …",
    "… did not report step …, which is finished",
    "the GPU has not answered for …",
    "zluda_sync_… is …, must be …",
    "config.json: zluda_sync.… is …",
    "… can never match: …",
    "override_settings: … is …",
    "… is not used, though it is set: it …",
    "not active: this SD.Next has no …",
    "installed twice; … is used",
    "… failed (…); using … instead",
    "…; no way is left to follow this job",
    "the bar on the console is SD.Next's own for this job: …",
    "… failed, progress is SD.Next's own: …",
    "learned durations in … cannot be used",
    "learned durations cannot be saved to …",
    "what previews have learned cannot be saved to …",
    "records of jobs in … cannot be used",
    "records of jobs cannot be saved to …",
    "records of jobs are not kept: … hosts use …",
    "learned preview … cannot be used",
    "no previews of this job: …",
    "the weights of TAESD are not in models/TAESD …",
    "image left early: …",
)
#: What stands further back in a line has been put into it.
_LONGEST_READ = 2000


def _fixed_words(line: str) -> int:
    return len(line.replace(GAP, ""))


#: Those with most words of their own first: they say most of what it was.
_BY_WORDS = sorted(SAID_LINES, key=_fixed_words, reverse=True)


def find_line(text: str) -> str:
    """Return which of our lines a text is."""
    text = text[:_LONGEST_READ]
    return next((line for line in _BY_WORDS if _is_line(text, line)), OTHER_LINE)


class SaidLines:
    """Counts the lines that were said; any thread may say one. Keeps none of their text."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def count(self, text: str) -> None:
        """A line was said."""
        line = find_line(text)
        self._times[line] = self._times.get(line, 0) + 1

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Yield each line with how often it was said, in the order of first saying."""
        return iter(list(self._times.items()))


def _is_line(text: str, line: str) -> bool:
    """Whether a text has the fixed words of a line, in their order, and begins as it does."""
    first, *others = line.split(GAP)
    if not text.startswith(first):
        return False
    at = len(first)
    for words in others:
        at = text.find(words, at)
        if at < 0:
            return False
        at += len(words)
    return True
