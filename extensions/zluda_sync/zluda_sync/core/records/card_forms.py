"""The forms that every entry of a card's report must have: what has none of them does not get into it.

A form takes anything and returns what may be told of it, None if nothing may. What it returns it would return
again: so an entry is well formed if and only if its form leaves it as it is. Nothing here raises.

A form lists what is let through, never what is kept out: names of people, machines, paths and models can look
like anything but these few words and numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

#: Returns what may be told of a value, None if nothing may.
Form = Callable[[Any], Any]
OTHER = "other"
#: Stands in a name for words that are not told.
UNTOLD = "?"
LONGEST_NAME = 80
#: Texts that are longer are nobody's version and nobody's name.
_LONGEST_TEXT = 400

#: Words of which makers build the names of their devices, in lower case.
_MAKERS_WORDS = (
    "amd ati radeon graphics rx pro vega instinct firepro ryzen ai max max+ q navi wx xt xtx gre duo w/ "
    "with and nvidia geforce rtx gtx gt mx quadro titan tesla ti super laptop mobile gpu max-q ada "
    "generation blackwell hopper ampere tu pcie sxm sxm2 sxm4 sxm5 nvl hbm2 hbm2e hbm3 hbm3e oem cuda "
    "hip rocm black founders intel arc iris xe uhd hd core ultra battlemage alchemist data center flex "
    "apple m1 m2 m3 m4 m5 mps metal moore threads mtt microsoft direct3d12 (tm) (r) tm r emulated "
    "asynchronous device cpu [zluda] zluda vf opencl llvmpipe basic render driver vii series"
)
_NAME_WORDS = frozenset(_MAKERS_WORDS.split())
#: A model's number with what makers put around it: MI300X, 7900XTX, gfx1100, 780M, 24GB.
_MODEL_NUMBER = re.compile(
    r"(?:RX|RTX|GTX|GT|GH|GB|MI|MX|MTT|gfx|W|A|B|H|L|T|V|P|M|R|S|K|Q|G)?[0-9]{1,4}[a-f]?"
    r"(?:M|S|X|XT|XTX|GRE|D|G|H|E|HX|Ti|C|P|V|L|U|GB|MB)?"
)
#: So many numbers stand in a name; more are somebody's.
_MOST_NUMBERS = 3
_PUBLIC_VERSION = re.compile(
    r"[0-9]{1,8}(?:\.[0-9]{1,8}){0,4}(?:(?:a|b|rc)[0-9]{1,8})?(?:\.(?:dev|post)[0-9]{1,8})?"
)
#: What builds of torch append to their version. Of hashes nothing is told: a number can look like one.
_BUILD_TAG = re.compile(
    r"cpu|xpu|cu[0-9]{2,3}|git|"
    r"rocm[0-9]{1,2}(?:\.[0-9]{1,5}){0,3}(?:(?:a|rc)20[0-9]{6})?|"
    r"rocmsdk20[0-9]{6}|gfx[0-9]{3,4}[a-f]?"
)
_HASH = re.compile(r"git[0-9a-f]+")
#: With a letter: what has none may be somebody's number.
_COMMIT = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,10}")
_DATE = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_DIGEST = re.compile(r"[0-9a-f]{8}")
_SIZE_AND_TIME = re.compile(r"[0-9]{1,15}-[0-9]{1,12}")


def _text(value: Any) -> str | None:
    return value if type(value) is str and len(value) <= _LONGEST_TEXT else None


def yes_no(value: Any) -> bool | None:
    """Let through True and False."""
    return value if isinstance(value, bool) else None


class OneOf:
    """Lets through words of a closed set, and turns others into one of it.

    Args:
        words: the set.
        other: what a word stands for that is not in it, None if it may not be told of at all.
    """

    def __init__(self, words: Iterable[str], other: str | None = None) -> None:
        self.words = frozenset(words) | ({other} if other is not None else frozenset())
        self._other = other

    def __call__(self, value: Any) -> str | None:
        if type(value) is not str or not value:
            return None
        return value if value in self.words else self._other


class Meaning:
    """Lets through what one of our own sentences means, and nothing of its words.

    Args:
        beginnings: by the words that such a sentence has in it, what it means; the first that fits counts.
    """

    def __init__(self, beginnings: Mapping[str, str]) -> None:
        self._beginnings = dict(beginnings)
        self.words = frozenset(beginnings.values()) | {OTHER}

    def __call__(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value:
            return None
        if value in self.words:
            return str(value)
        return next((code for words, code in self._beginnings.items() if words in value[:2000]), OTHER)


class Count:
    """Lets through whole numbers within bounds, both included."""

    def __init__(self, largest: int, smallest: int = 0) -> None:
        self._smallest = smallest
        self._largest = largest

    def __call__(self, value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return int(value) if self._smallest <= value <= self._largest else None  # what is NaN is neither


def moment(value: Any) -> int | None:
    """Let through a time since the epoch, in seconds, as the hour that it is in."""
    seconds = Count(4_000_000_000, 1_500_000_000)(value)
    return None if seconds is None else seconds - seconds % 3600


class Figure:
    """Lets through numbers up to a largest, with four digits."""

    def __init__(self, largest: float = 1e6) -> None:
        self._largest = largest

    def __call__(self, value: Any) -> float | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(f"{float(value):.4g}") if abs(value) <= self._largest else None


def version(value: Any) -> str | None:
    """Let through a version: its numbers, and a build's tag if it is one that torch has."""
    text = _text(value)
    found = _PUBLIC_VERSION.match(text) if text is not None else None
    if text is None or found is None:
        return None
    public, rest = found[0], text[found.end() :]
    if not rest:
        return public
    if rest[0] == "+":
        tags = [_HASH.sub("git", tag) for tag in rest[1:].split("-", 4)]
        return f"{public}+{'-'.join(tag if _BUILD_TAG.fullmatch(tag) else UNTOLD for tag in tags)}"
    return public if rest[0] in ".-_ " else None


def leading_version(value: Any) -> str | None:
    """Let through the numbers that a version begins with: who builds a kernel may name it."""
    text = _text(value)
    found = re.match(r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}(?![0-9])", text) if text is not None else None
    return found[0] if found is not None else None


def commit(value: Any) -> str | None:
    """Let through the beginning of a commit's hash."""
    text = _text(value)
    return text if text is not None and _COMMIT.fullmatch(text) else None


def date(value: Any) -> str | None:
    """Let through a day."""
    text = _text(value)
    return text if text is not None and _DATE.fullmatch(text) else None


def build_digest(value: Any) -> str | None:
    """Let through a checksum of a driver library's size and time, which tells builds apart."""
    text = _text(value)
    if text is None or _DIGEST.fullmatch(text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:8] if _SIZE_AND_TIME.fullmatch(text) else None


class DeviceName:
    """Lets through a device's name as its maker gives it; other words in it become a question mark.

    Args:
        private: names of the user and of the machine: no number of a model that has one of them is told.
    """

    def __init__(self, private: Collection[str] = ()) -> None:
        self._private = {word.casefold() for word in private if word}

    def __call__(self, value: Any) -> str | None:
        text = _text(value)
        if text is None or len(text) > LONGEST_NAME:
            return None
        told: list[str] = []
        numbers = 0
        for word in re.split(r"[ \-]+", text.strip(" -")):
            is_number = self._is_model_number(word) and numbers < _MOST_NUMBERS
            numbers += is_number
            if is_number or _bare(word) in _NAME_WORDS:
                told.append(word)
            elif told[-1:] != [UNTOLD]:
                told.append(UNTOLD)
        return " ".join(told) if any(word != UNTOLD for word in told) else None

    def _is_model_number(self, word: str) -> bool:
        if not _MODEL_NUMBER.fullmatch(word):
            return False
        folded = word.casefold()
        return not any(one == folded or (len(one) > 2 and one in folded) for one in self._private)


def _bare(word: str) -> str:
    """Return a word of a name without the marks that stand behind it."""
    folded = word.lower()
    return folded if folded in _NAME_WORDS else re.sub(r"(?:\(tm\)|\(r\)|,)+$", "", folded)


class Sentence:
    """Lets through sentences that are known word for word, whole or not at all.

    Args:
        is_known: whether a text is one of them.
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self._is_known = is_known

    def __call__(self, value: Any) -> str | None:
        text = _text(value)
        return text if text is not None and self._is_known(text) else None
