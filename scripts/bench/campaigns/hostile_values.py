"""Hostile values for a report on a card, each with a canary: a word that is nowhere else."""

from __future__ import annotations

import math
import random
import traceback
from typing import Any

#: A word of these letters is in no language, and a piece of it in none of ours.
_LETTERS = "qxzjvkw"
#: So many letters, or digits, of a canary in a row are a leak.
PIECE_LETTERS, PIECE_DIGITS = 4, 8
#: Everything that a name, a path, a secret or a prompt can look like. ``$`` stands for the canary.
_ANYWHERE = (
    "$", "C:\\Users\\$\\sdnext\\models\\x.safetensors", "/home/$/.cache/huggingface", "\\\\$\\share",
    "~$/x", "file:///Users/$/x.ckpt", "../../$/config.json", "$.local", "DESKTOP-$", "$@example.org",
    "user:$@host", "hf_$", "ghp_$", "sk-$", "Bearer $", "<script>$</script>", "<img src=x onerror=$>",
    "&lt;$&gt;", "\u202e$\u2066", "\u200b$\ufeff", "\x1b[31m$\x00\r\n", "$\ud800", "\udfff$",
    "a photo of $, masterpiece, 8k", "{$}", "%s%n$", "```json\n$\n```", "| $ |", "[$](javascript:$)",
    "'; DROP TABLE $; --", "\\u0040$", "$\n$", "$\t$", "é$ß", "中$文", "$" * 300, "$ " * 300,
)  # fmt: skip
#: The same behind or before what an entry should hold.
_IN_FORM = (
    "2.7.0+$", "2.7.0+cu118-$", "2.7.0+cu118.$", "2.7.0+git$", "2.7.0+rocm6.2$", "2.7.0$", "6.2.1-$",
    "2.7.0 $", "$2.7.0", "3.12.$", "3.12.1\n$", "10.0.$", "6.8.0-$-generic", "2022$", "9cb7d1f4$",
    "$9cb7d1f4", "2026-07-23$", "12345-1785000000 $", "$-1785000000", "AMD Radeon RX 7900 $",
    "$ Radeon RX 7900", "AMD Radeon $7900XT", "AMD Radeon RX7900$", "AMD-$-7900", "Radeon(TM)$",
    "AMD Radeon($)", "AMD [$]", "NVIDIA GeForce RTX 4090 of $", "Emulated $", "auto$", "auto $",
    "zluda\n$", "Windows $", "sdxl$", "sdxl/$", "f1 $", "balanced$", "acts $", "fails: $",
    "fails: $ not supported", "fails: [$] has no attribute", "says too early $", "other $",
    "in use: $ reported work as done while the GPU was busy for $ s", "the GPU failed: $",
    "a job began $", "active, mode $", "self-test in $ s: $",
    "learned durations in /home/$ cannot be used ($)", "$ failed ($); using $ instead",
    "config.json: zluda_sync.$ is $", "no previews of this job: $",
    "$ failed, progress is SD.Next's own: $", "active, mode …$", "Your bar is true to 1 $",
    "Your bar ($) is true", "true $ true", "run-ahead saves 6 %$", "run-ahead-$", "$ 1 2 3",
    "read-back$",
)  # fmt: skip


class Stubborn:
    """Fails at everything that may be asked of it."""

    def _fail(self, *_asked: Any) -> Any:
        raise RuntimeError("stubborn")

    __eq__ = __str__ = __repr__ = __len__ = __iter__ = __bool__ = __float__ = __int__ = _fail
    __hash__ = None  # type: ignore[assignment]


class Villain:
    """Makes hostile values, and knows the canaries that it has put into them.

    Args:
        seed: of what is drawn.

    Attributes:
        login: the user's, in the form of a model's number.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.word = "".join(self.random.choice(_LETTERS) for _ in range(9))
        self.number = "".join(self.random.choice("0123456789") for _ in range(12))
        self.login = f"{self.random.randint(1000, 9999)}XTX"

    def text(self) -> str:
        """Return a hostile text."""
        random_ = self.random
        form = random_.choice(_ANYWHERE if random_.random() < 0.4 else _IN_FORM)
        canary = self.number if random_.random() < 0.25 else self.word
        change = random_.choice((str, str, str.upper, str.title))
        text = form.replace("$", change(canary))
        if random_.random() < 0.1:
            text = self.error_text(text)
        return text[:-1] + "\n" if random_.random() < 0.02 else text

    def error_text(self, text: str = "") -> str:
        """Return the text of an error that another one has caused, with its traceback."""
        try:
            try:
                raise OSError(2, text or self.word, f"/home/{self.word}/{self.number}")
            except OSError as error:
                raise RuntimeError(f"HIP error: invalid argument in {self.word}") from error
        except RuntimeError as error:
            return "".join(traceback.format_exception(type(error), error, error.__traceback__))

    def value(self) -> Any:
        """Return a hostile value of any kind, mostly a text."""
        if self.random.random() < 0.75:
            return self.text()
        return self.random.choice(
            (
                math.nan, math.inf, -math.inf, -1, True, 10**400, 1e300, int(self.number), b"x", Stubborn(),
                [], {}, [self.text()], {self.text(): self.text()}, (self.text(),) * 3, {"said": self.text()},
                None, "", [[[[self.text()]]]], set(),
            )
        )  # fmt: skip

    def finds_itself_in(self, text: str) -> bool:
        """Whether a piece of a canary stands in a text, in whatever case."""
        folded = text.casefold()
        return self.login.casefold() in folded or any(
            piece in folded
            for canary, length in ((self.word, PIECE_LETTERS), (self.number, PIECE_DIGITS))
            for piece in (canary[at : at + length] for at in range(len(canary) - length + 1))
        )
