"""Errors of this package. Each message says what is wrong and what to do about it."""

from __future__ import annotations


class ZludaSyncError(Exception):
    """Base of every error that this package raises on purpose."""


class LedgerError(ZludaSyncError):
    """An order of launches and completions that cannot happen on one in-order stream."""


class NoRungLeftError(ZludaSyncError):
    """Every way to learn that a step is finished has failed on this device."""


class NoAnswerError(ZludaSyncError):
    """The device has done nothing for so long that it counts as lost.

    Args:
        waited_s: how long, in seconds.
    """

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"the GPU has not answered for {waited_s:.0f} s; progress is no longer followed")


class SelfTestRefusedError(ZludaSyncError):
    """The self-test cannot run now; the message says why."""


class RungLiedError(ZludaSyncError):
    """A rung has reported work as done that was not.

    Args:
        rung: its name.
        late_s: how long the device was still busy, in seconds.
        is_certain: whether nothing else can have kept the device busy; else it is looked into before the rung
            is given up for good.
    """

    def __init__(self, rung: str, late_s: float, is_certain: bool = True) -> None:
        super().__init__(f"{rung} reported work as done while the GPU was busy for {late_s:.2f} s more")
        self.rung = rung
        self.late_s = late_s
        self.is_certain = is_certain


class RungSilentError(ZludaSyncError, TimeoutError):
    """A rung does not report a step that is finished.

    Args:
        rung: its name.
        step: zero-based index of the step.
        is_certain: as of :class:`RungLiedError`.
    """

    def __init__(self, rung: str, step: int, is_certain: bool) -> None:
        super().__init__(f"{rung} did not report step {step}, which is finished")
        self.is_certain = is_certain


class HostUnsupportedError(ZludaSyncError):
    """The host lacks a name without which the extension cannot work.

    Args:
        name: the dotted name that is missing.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"this SD.Next has no {name}; update SD.Next to February 2025 or later")
        self.name = name


class Interrupted(AssertionError):  # noqa: N818  the host's own signal bears no other name
    """The user has stopped or skipped: leaves a pipeline in the way in which the host's callback does.

    SD.Next prints the traceback of whatever a VAE decode raises, unless its text says "no data".
    """

    def __init__(self) -> None:
        super().__init__("Interrupted... no data is wanted any more")


class Stopped(BaseException):
    """A tracked pipeline was stopped. Leaves the call, and ends at the end of its ``with`` block."""

    def __init__(self) -> None:
        super().__init__("the pipeline was stopped")


class LatentShapeError(ZludaSyncError):
    """Latents that no preview can be made of.

    Args:
        shape: of the latents.
        reason: what is wrong with it.
    """

    def __init__(self, shape: tuple[int, ...], reason: str) -> None:
        super().__init__(f"no preview of latents of shape {shape}: {reason}")
