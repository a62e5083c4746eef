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
