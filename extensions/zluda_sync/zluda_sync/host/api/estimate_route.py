"""``/zluda_sync/v1/estimate``: how long a job would take that nobody has asked for yet, and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body, Request, Response

from zluda_sync.core.answers import described
from zluda_sync.core.learning.estimate import Estimate, say_estimate, say_roughly
from zluda_sync.core.settings.fields import number_between, shorten
from zluda_sync.core.settings.settings import SettingProblem
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import build_answer, read_fields, refuse
from zluda_sync.host.job.estimator import Estimator
from zluda_sync.host.job.outlook import NOW, Outlook, QueuedJob

PATH = "/zluda_sync/v1/estimate"
LARGEST_PX, MOST_STEPS, MOST_IMAGES, LONGEST_TEXT = 16384, 1000, 10000, 200
MOST_RESIZE_MODE = 5
_TASK = "task"
_TASK_PATTERN = re.compile(r"task\([\w-]{1,64}\)")
_REMEDY = "See /docs, or docs/api.md of ZLUDA Sync."
_DIGITS = 3


@dataclass(frozen=True)
class _Asked:
    """A setting that may be asked for, by its name in the host's API.

    Attributes:
        parse: makes a value of JSON or of a query's text; ValueError or TypeError if it is none.
        wanted: what may be given, as a message says it.
    """

    parse: Callable[[Any], Any]
    wanted: str


def _number(minimum: float, maximum: float, *, is_whole: bool = True) -> _Asked:
    parse, wanted = number_between(minimum, maximum, is_whole=is_whole)
    return _Asked(lambda value: parse(float(value) if isinstance(value, str) else value), wanted)


def _parse_flag(value: Any) -> bool:
    named = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False, "": False}
    return value if isinstance(value, bool) else named[value.lower()]


def _parse_text(value: Any) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    raise ValueError


def _parse_task(value: Any) -> str:
    if isinstance(value, str) and _TASK_PATTERN.fullmatch(value):
        return value
    raise ValueError


_FLAG, _TEXT = _Asked(_parse_flag, "true or false"), _Asked(_parse_text, f"at most {LONGEST_TEXT} characters")
_SIZE, _STEPS, _SHARE = _number(0, LARGEST_PX), _number(1, MOST_STEPS), _number(0, 1, is_whole=False)
_GUIDANCE = _number(-1, 100, is_whole=False)
ASKED: Mapping[str, _Asked] = {
    "width": _SIZE,
    "height": _SIZE,
    "steps": _STEPS,
    "batch_size": _number(1, 1000),
    "n_iter": _number(1, MOST_IMAGES),
    "sampler_name": _TEXT,
    "cfg_scale": _GUIDANCE,
    "cfg_true": _GUIDANCE,
    "pag_scale": _GUIDANCE,
    "hidiffusion": _FLAG,
    "has_input": _FLAG,
    "has_mask": _FLAG,
    "enable_hr": _FLAG,
    "hr_scale": _number(0, 16, is_whole=False),
    "hr_resize_mode": _number(0, MOST_RESIZE_MODE),
    "hr_resize_x": _SIZE,
    "hr_resize_y": _SIZE,
    "hr_second_pass_steps": _number(0, MOST_STEPS),
    "hr_upscaler": _TEXT,
    "hr_force": _FLAG,
    "denoising_strength": _SHARE,
    "hr_denoising_strength": _SHARE,
    "detailer_enabled": _FLAG,
    "script_name": _TEXT,
    "model": _TEXT,
}
_TASK_ASKED = _Asked(_parse_task, "a task of the host's page, such as task(abc123)")
#: Other names that the host's API has for the same.
_ALIASES = {"sampler": "sampler_name", "sd_model_checkpoint": "model"}


def _describe_parameters() -> list[dict[str, Any]]:
    wanted = {name: asked.wanted for name, asked in ASKED.items()}
    wanted[_TASK] = f"{_TASK_ASKED.wanted}: the caller's own, which is told apart in the queue"
    return [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": text}
        for name, text in wanted.items()
    ]


#: Of the question, for the description of the API: names are checked here, in our own words.
EXTRA = {"parameters": _describe_parameters()}


@dataclass(frozen=True, kw_only=True)
class ExpectedJobAnswer:
    """A job that runs or waits in the host. Times are in seconds from now, null where they are not known."""

    is_running: bool
    is_yours: bool = described("whether it is the task that was asked with")
    basis: str | None = described(
        "what its length is reckoned from: progress, settings (as a page told them), recent (the usual "
        "length of the last jobs), null where it is not known"
    )
    starts_in_s: float | None
    ends_in_s: float | None
    ends_low_s: float | None
    ends_high_s: float | None


@dataclass(frozen=True, kw_only=True)
class EstimateAnswer:
    """How long a job with these settings would take, and when it would start if it were asked for now."""

    is_acting: bool = described("whether jobs are followed; else nothing is told")
    seconds: float | None = described("the best guess, null where nothing is known")
    low_s: float | None = described("eight of ten jobs end between low_s and high_s")
    high_s: float | None
    text: str = described("the same in words, empty where nothing is known")
    knowledge: str | None = described("exact, scaled (from others like it) or guessed")
    unknown: tuple[str, ...] = described("what is not known, in sentences")
    starts_in_s: float | None = described("0 if nothing runs; null where what comes before is not known")
    starts_low_s: float | None
    starts_high_s: float | None
    starts_text: str = described("yours starts in about 4 min; empty if nothing comes before, or not known")
    queue: tuple[ExpectedJobAnswer, ...] = described("what runs and waits")


@dataclass(frozen=True, kw_only=True)
class ToldAnswer:
    """The settings of a task were taken in."""

    task: str


class EstimateRoutes:
    """Answers both.

    Args:
        estimator: knows how long jobs take.
        outlook: over the queue of the host.
    """

    def __init__(self, estimator: Estimator, outlook: Outlook) -> None:
        self._estimator = estimator
        self._outlook = outlook

    def get_estimate(self, request: Request) -> Response:
        """Tell how long a job with the settings of the query would take; what is left out is as in the host.

        Raises:
            HTTPException: 422, a name that does not exist or a value out of its bounds.
        """
        given = {_ALIASES.get(name, name): value for name, value in request.query_params.items()}
        wanted = _check(read_fields(given, (*ASKED, _TASK)))
        own = wanted.pop(_TASK, None)
        estimate, gaps = self._estimator.tell(wanted)
        is_acting = self._estimator.is_acting
        return build_answer(_build(is_acting, estimate, gaps, self._outlook.look(), own))

    def post_estimate(
        self, body: Annotated[Any, Body(description="task, and settings as of GET")] = None,
        _own: None = OWN_PAGE_ONLY,
    ) -> Response:  # fmt: skip
        """Tell what a task of the page was asked with: the host does not tell that of what waits.

        Raises:
            HTTPException: 403, another site asks; 422, the body cannot be used.
        """
        wanted = _check(read_fields(body, (*ASKED, _TASK)))
        task_id = wanted.pop(_TASK, None)
        if task_id is None:
            raise refuse([SettingProblem.at(_TASK, f"is missing, must be {_TASK_ASKED.wanted}", _REMEDY)])
        self._outlook.record_settings(task_id, wanted)
        return build_answer(ToldAnswer(task=task_id))


def _check(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of settings.

    Raises:
        HTTPException: 422, with each that cannot be used.
    """
    found: dict[str, Any] = {}
    problems: list[SettingProblem] = []
    for name, value in given.items():
        asked = _TASK_ASKED if name == _TASK else ASKED[name]
        try:
            found[name] = asked.parse(value)
        except (ValueError, TypeError, OverflowError, KeyError, AttributeError):
            what = f"is {shorten(value)}, must be {asked.wanted}"
            problems.append(SettingProblem.at(name, what, _REMEDY))
    if problems:
        raise refuse(problems)
    return found


def _build(
    is_acting: bool,
    estimate: Estimate | None,
    gaps: Iterable[str],
    queue: tuple[QueuedJob, ...],
    own: str | None,
) -> EstimateAnswer:
    starts = queue[-1].ends if queue else NOW
    return EstimateAnswer(
        is_acting=is_acting,
        **_times(estimate, "seconds", "low_s", "high_s"),
        text=say_estimate(estimate),
        knowledge=estimate.knowledge.value if estimate is not None else None,
        unknown=tuple(gaps),
        **_times(starts, "starts_in_s", "starts_low_s", "starts_high_s"),
        starts_text=f"yours starts in about {say_roughly(starts.seconds)}" if queue and starts else "",
        queue=tuple(_tell_queued(job, own) for job in queue),
    )


def _tell_queued(job: QueuedJob, own: str | None) -> ExpectedJobAnswer:
    return ExpectedJobAnswer(
        is_running=job.is_running,
        is_yours=own is not None and job.task_id == own,
        basis=job.basis.value if job.basis is not None else None,
        starts_in_s=round(job.starts.seconds, _DIGITS) if job.starts is not None else None,
        **_times(job.ends, "ends_in_s", "ends_low_s", "ends_high_s"),
    )


def _times(estimate: Estimate | None, *names: str) -> dict[str, float | None]:
    if estimate is None:
        return dict.fromkeys(names)
    values = (estimate.seconds, estimate.low_s, estimate.high_s)
    return {name: round(value, _DIGITS) for name, value in zip(names, values, strict=True)}
