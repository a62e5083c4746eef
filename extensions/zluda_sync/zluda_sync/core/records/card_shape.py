"""Every entry of a report on a card, with its form: the one table that texts are built and checked by.

Words that are told are told here; what a sentence of ours means is found by words of it, and nothing
else of it is told, but for the sentences of a check, which are fixed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from zluda_sync.core.records.card_forms import (
    OTHER,
    Count,
    DeviceName,
    Figure,
    Meaning,
    OneOf,
    Sentence,
    build_digest,
    commit,
    date,
    leading_version,
    moment,
    version,
    yes_no,
)
from zluda_sync.core.records.card_tree import Group, Node, Rows, Triple
from zluda_sync.core.records.check_sentences import is_check_sentence
from zluda_sync.core.records.said_lines import OTHER_LINE, SAID_LINES
from zluda_sync.core.records.self_test_report import EVENT_RUNGS, SYNCHRONIZE_RUNGS
from zluda_sync.core.records.verification import Outcome, Truth
from zluda_sync.core.settings.gate import Gate
from zluda_sync.core.settings.profiles import AUTO, BUILTIN
from zluda_sync.core.settings.settings import ModeChoice, PreviewMethod, RungChoice
from zluda_sync.core.steps.policy import MAX_DEPTH, SyncMode

FORMAT = 1
#: The entry by which a report is known; its value is the form's number.
MARK = "zluda_sync_report"
#: The host's words for kinds of models, by the family that is told; many kinds are words of their own.
_FAMILIES = {"f1": "flux", "f2": "flux2", "wanai": "wan", "sc": "cascade", "h1": "hidream"}
_SAME_FAMILIES = (
    "sd sdxl sd3 svd sdxs auraflow chroma cogvideo cogview3 cogview4 cosmos hunyuandit hunyuanimage "
    "hunyuanvideo kandinsky kandinsky3 kandinsky5 kolors krea2 ltxvideo lumina lumina2 mochivideo "
    "omnigen omnigen2 pixartalpha pixartsigma qwen sana zimage"
)
_BACKENDS = ("zluda", "rocm", "cuda", "ipex", "mps", "directml", "openvino", "cpu")
#: Why the extension acts or does not.
WHYS = (
    "acts",
    "switched off",
    "mode off",
    "could not install",
    "nothing to follow",
    "not on ZLUDA",
    "not tested",
    "test not finished",
    "blocks by itself",
    "not shown to run ahead",
)
#: What is wrong with a rung, by words of the sentences that say so; and what a driver said of it.
RUNG_REASONS = {
    "could not be judged": "not judged",
    "says too early": "too early",
    "comes before the value": "before the value",
    "keeps the host waiting": "keeps the host waiting",
    "waits for work queued after": "waits for later work",
    "does not return": "does not return",
    "never says": "never says done",
    "reported work as done while": "lied in use",
    "did not report step": "silent in use",
    "no device is": "no device known",
    "not supported": "fails: not supported",
    "not implemented": "fails: not implemented",
    "NotImplemented": "fails: not implemented",
    "has no attribute": "fails: missing",
    "invalid": "fails: invalid",
    "fails": "fails",
}
#: Why a self-test has ended early, in the same way.
UNFINISHED_REASONS = {
    "a job began": "a job began",
    "too busy": "machine busy",
    "out of memory": "out of memory",
    "another program has": "another program",
    "the GPU was lost": "lost",
    "the GPU failed": "failed",
    "does not compute what": "computes wrong",
    "another one than was computed": "computes wrong",
    "did not answer in time": "no answer",
    "never came": "no answer",
    "no device is named": "no device known",
    "NotImplementedError": "not implemented",
}
#: The form of the one sentence that ends a verification.
SENTENCE = Sentence(is_check_sentence)
MOST_ROWS, MOST_STEPS, MOST_LINES = 16, 100, len(SAID_LINES) + 1

_SECONDS = Figure(1e5)
_MODES = [one.value for one in ModeChoice]
_VERSIONS = Group(
    {"driver": version, "torch": version, "hip": version, "cuda": version, "zluda": build_digest}
)
_SELF_TEST = Group(
    {
        "taken_at_s": moment,
        "duration_s": _SECONDS,
        "is_blocking": yes_no,
        "runs_ahead": yes_no,
        "work_s": _SECONDS,
        "queued_s": _SECONDS,
        "probe_launches": Count(1_000_000),
        "probe_queued_s": _SECONDS,
        "probe_total_s": _SECONDS,
        "blocking_launch": Count(1_000_000),
        "frees_interpreter": yes_no,
        "event_time_error": Figure(),
        "unfinished": Meaning(UNFINISHED_REASONS),
        "rungs": Rows(
            Group(
                {
                    "name": OneOf((*EVENT_RUNGS, *SYNCHRONIZE_RUNGS)),
                    "is_truthful": yes_no,
                    "reason": Meaning(RUNG_REASONS),
                    "wait_share": Figure(),
                    "residual_s": _SECONDS,
                    "cost_s": _SECONDS,
                }
            ),
            len((*EVENT_RUNGS, *SYNCHRONIZE_RUNGS)),
        ),
    }
)


def _verification(device: DeviceName) -> Group:
    row: dict[str, Node] = {
        "mode": OneOf(_MODES, OTHER),
        "host_sync": yes_no,
        "wall_s": _SECONDS,
        "bar_error": Figure(),
        "step_error": Figure(),
        "lead": Figure(),
        "previews": Count(1_000_000),
        "torn": Count(1_000_000),
        "early": Count(1_000_000),
    }
    trace: dict[str, Node] = {
        "mode": OneOf([one.value for one in SyncMode], OTHER),
        "steps": Rows(Triple(_SECONDS), MOST_STEPS),
    }
    return Group(
        {
            "device": device,
            "versions": Group({"driver": version, "torch": version, "zluda": build_digest}),
            "taken_at_s": moment,
            "outcome": OneOf([one.value for one in Outcome], OTHER),
            "sentence": SENTENCE,
            "rung": OneOf((*EVENT_RUNGS, *SYNCHRONIZE_RUNGS), OTHER),
            "saved_share": Figure(),
            "truth": OneOf([one.value for one in Truth], OTHER),
            "rows": Rows(Group(row), MOST_ROWS),
            "trace": Group(trace),
        }
    )


def shape_of_report(private: Collection[str] = ()) -> Group:
    """Return every entry of a report, in the order in which a person reads them."""
    device = DeviceName(private)
    return Group(
        {
            MARK: Count(FORMAT, FORMAT),
            "made_at_s": moment,
            "extension": version,
            "sdnext": Group(
                {"commit": commit, "date": date, "branch": OneOf(("master", "main", "dev"), OTHER)}
            ),
            "backend": OneOf(_BACKENDS, OTHER),
            "device": device,
            "versions": _VERSIONS,
            "python": version,
            "system": Group(
                {"family": OneOf(("Windows", "Linux", "Darwin"), OTHER), "release": leading_version}
            ),
            "torch_sync": yes_no,
            "settings": Group(
                {
                    "profile": OneOf((*BUILTIN, AUTO), "own"),
                    "gate": OneOf(one.value for one in Gate),
                    "mode": OneOf(_MODES),
                    "rung": OneOf(one.value for one in RungChoice),
                    "preview": OneOf(one.value for one in PreviewMethod),
                    "depth": Count(MAX_DEPTH),
                }
            ),
            "acts": yes_no,
            "why": OneOf(WHYS, OTHER),
            "model_family": _Family(),
            "self_test": _SELF_TEST,
            "verification": _verification(device),
            "log": Rows(
                Group({"said": OneOf(SAID_LINES, OTHER_LINE), "times": Count(1_000_000)}), MOST_LINES
            ),
        }
    )


class _Family(OneOf):
    """The family of the host's kinds of models."""

    def __init__(self) -> None:
        super().__init__((*_SAME_FAMILIES.split(), *_FAMILIES.values()), OTHER)

    def __call__(self, value: Any) -> str | None:
        if type(value) is not str or value in ("none", "unknown"):
            return None
        return super().__call__(_FAMILIES.get(value, value))
