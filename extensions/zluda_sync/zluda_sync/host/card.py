"""What can be found of the card, its driver, the host and the session, for a report on the card.

All of it may hold anything, names and paths among it. What of it is told,
``core/records/card_report`` decides.
"""

from __future__ import annotations

import getpass
import platform
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import zluda_sync
from zluda_sync.core.guard import Guard
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.core.settings.fields import plain
from zluda_sync.core.settings.gate import Gate
from zluda_sync.core.settings.settings import ModeChoice, Settings
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.sdnext import SdNext

_SETTINGS = ("gate", "mode", "rung", "preview", "depth")


class CardFinder:
    """Finds it anew whenever it is asked for. Loads no model and waits for nothing.

    Args:
        host: the host.
        profile_choice: knows the settings in use.
        self_testing: knows what self-tests have found.
        find_accelerator: gives what the host computes on, None if there is nothing to follow.
        find_failure: tells whether the patches are installed, and what kept them out, empty if nothing did.
    """

    def __init__(
        self,
        host: SdNext,
        profile_choice: ProfileChoice,
        self_testing: SelfTesting,
        find_accelerator: Callable[[], Accelerator | None],
        find_failure: Callable[[], tuple[bool, str]],
    ) -> None:
        self._host = host
        self._profile_choice = profile_choice
        self._self_testing = self_testing
        self._find_accelerator = find_accelerator
        self._find_failure = find_failure
        # What cannot be found is missing from the report.
        self._guard = Guard(lambda what, error: None)

    def find(self) -> dict[str, Any]:
        """Return what there is to tell, by the names of the report's entries. Never raises."""
        found: dict[str, Any] = {"made_at_s": time.time(), "extension": zluda_sync.__version__}
        for find in (find_system, self._find_host, self._find_versions, self._find_acting):
            with self._guard.watching("finding what to report"):
                found.update(find())
        return found

    def _find_host(self) -> dict[str, Any]:
        version = getattr(sys.modules.get("installer"), "version", None) or {}
        names = {"commit": "commit", "date": "updated", "branch": "branch"}
        told = {name: version.get(key) for name, key in names.items()}
        return {
            "sdnext": {name: None if text == "unknown" else text for name, text in told.items()},
            "backend": self._host.backend,
            "torch_sync": getattr(self._host.opts, "torch_sync", None),
            "model_family": self._host.model_type,
        }

    def _find_versions(self) -> dict[str, Any]:
        accelerator = self._find_accelerator()
        return find_versions(accelerator, self._self_testing.book)

    def _find_acting(self) -> dict[str, Any]:
        accelerator, book = self._find_accelerator(), self._self_testing.book
        report = book.find(accelerator)
        if report is None and accelerator is not None:
            report = book.find_unfinished(accelerator)
        chosen = self._profile_choice.choose()
        is_acting, failure = self._find_failure()
        why = (
            "acts"
            if is_acting
            else "could not install"
            if failure
            else why_not(chosen.settings, accelerator is not None, report)
        )
        return {
            "settings": {
                "profile": chosen.name,
                **{name: plain(getattr(chosen.settings, name)) for name in _SETTINGS},
            },
            "acts": is_acting,
            "why": why,
            "self_test": tell_self_test(report),
        }


def tell_self_test(report: SelfTestReport | None) -> dict[str, Any] | None:
    """Return a self-test with what follows from it, by the names of the report's entries."""
    if report is None:
        return None
    return {**asdict(report), "is_blocking": report.is_blocking, "runs_ahead": report.runs_ahead}


def why_not(settings: Settings, has_accelerator: bool, report: SelfTestReport | None) -> str:
    """Return why the extension does not act, as one of the report's words."""
    if not settings.enabled:
        return "switched off"
    if settings.mode is ModeChoice.OFF:
        return "mode off"
    if not has_accelerator:
        return "nothing to follow"
    if settings.gate is Gate.ZLUDA:
        return "not on ZLUDA"
    if report is None:
        return "not tested"
    if report.unfinished:
        return "test not finished"
    return "blocks by itself" if report.runs_ahead is False else "not shown to run ahead"


def find_versions(accelerator: Accelerator | None, book: TrustBook) -> dict[str, Any]:
    """Return what there is to tell of a device, its driver and torch, by the report's entries."""
    versions = {
        "torch": str(torch.__version__),
        "hip": getattr(torch.version, "hip", None),
        "cuda": getattr(torch.version, "cuda", None),
    }
    if accelerator is None:
        return {"versions": versions}
    return {
        "device": accelerator.name or accelerator.kind.title,  # torch tells none of Apple's
        "versions": {**versions, **book.versions_of(accelerator)},
    }


def find_private_words() -> set[str]:
    """Return the names of the user and of the machine, as far as they can be found."""
    found: set[str] = set()
    guard = Guard(lambda what, error: None)  # not every system has each of them
    for find in (getpass.getuser, socket.gethostname, platform.node, lambda: Path.home().name):
        with guard.watching("finding a name"):
            found.add(find())
    return found | {name.partition(".")[0] for name in found}


def find_system() -> dict[str, Any]:
    """Return what there is to tell of Python and the operating system, by the report's entries."""
    family = platform.system()
    # The release of Windows 11 is 10, but for its build.
    release = platform.version() if family == "Windows" else platform.release()
    return {"python": platform.python_version(), "system": {"family": family, "release": release}}
