"""The loops in which language models write: each token is counted, and a Stop ends the text after it.

The host never looks at its flag while a text is written. All loops of transformers ask their criteria after
each token whether that was the last one, on the thread that queues.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from zluda_sync.host.hooks.patch_table import Patch, Switch
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.followed import HostJob

_CRITERIA = ("transformers.generation.stopping_criteria", "StoppingCriteriaList")


class TokenHooks:
    """Builds the patch of the class of criteria. Only those of the thread that runs a job are looked at.

    Args:
        jobs: knows the job.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._length = 0
        """Tokens of the newest text, those that were given included."""
        self._text: Callable[[], Any] = lambda: None
        """Gives the criteria of the newest text: each has its own."""

    def patches(self) -> list[Patch]:
        """Return the patch, none while no text can have been written."""
        module, name = _CRITERIA
        criteria = getattr(sys.modules.get(module), name, None)
        if not callable(getattr(criteria, "__call__", None)):  # noqa: B004 - the method is what is replaced
            return []
        return [Patch(criteria, "__call__", self._wrap_call, "count tokens, and end a text that is stopped")]

    def _wrap_call(self, original: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        @functools.wraps(original)
        def __call__(criteria: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - as it is called there
            is_done = original(criteria, *args, **kwargs)
            job = self._jobs.driven_here() if switch.is_on else None
            if job is not None:
                with self._jobs.following(job, "counting tokens"):
                    self._count(job, criteria, args[0] if args else kwargs["input_ids"])
                    if job.control.is_stopped:
                        is_done = is_done | True
            return is_done

        return __call__

    def _count(self, job: HostJob, criteria: Any, written: Any) -> None:
        """Count the tokens that are new in ``written``, (B, T) token numbers of one text or several beams."""
        length = int(written.shape[-1])
        if self._text() is not criteria or length <= self._length:
            self._text, self._length = weakref.ref(criteria), length - 1
            job.go_on_with_caption()
            most = getattr(criteria, "max_length", None)
            job.run.tokens.begin(most - length + 1 if isinstance(most, int) and most >= length else None)
        for _ in range(length - self._length):
            job.run.tokens.pass_one()
        self._length = length
