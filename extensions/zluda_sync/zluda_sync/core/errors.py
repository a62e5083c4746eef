"""Errors of this package. Each message says what is wrong and what to do about it."""

from __future__ import annotations


class ZludaSyncError(Exception):
    """Base of every error that this package raises on purpose."""


class LedgerError(ZludaSyncError):
    """An order of launches and completions that cannot happen on one in-order stream."""


class NoRungLeftError(ZludaSyncError):
    """Every way to learn that a step is finished has failed on this device."""


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


class LatentShapeError(ZludaSyncError):
    """Latents that no preview can be made of.

    Args:
        shape: of the latents.
        reason: what is wrong with it.
    """

    def __init__(self, shape: tuple[int, ...], reason: str) -> None:
        super().__init__(f"no preview of latents of shape {shape}: {reason}")
