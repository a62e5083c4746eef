"""Which profile applies: now, and to a job that begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from zluda_sync.core.settings.conditions import JobTraits
from zluda_sync.core.settings.fields import OPTION_PREFIX, shorten, suggest
from zluda_sync.core.settings.profiles import ChosenProfile
from zluda_sync.core.settings.settings import (
    FIELDS,
    PROFILE_FIELDS,
    SettingProblem,
    Settings,
    parse_settings,
)
from zluda_sync.host.profiles.store import ProfileStore
from zluda_sync.host.sdnext import SdNext

#: What a request may set for itself alone.
_OF_REQUEST = dict.fromkeys(one.option for one in (FIELDS.enabled, FIELDS.profile, *PROFILE_FIELDS.values()))


class ProfileChoice:
    """Chooses by the user's settings, profiles and rules, and by what a request sets for itself.

    Args:
        host: holds the settings.
        store: the profiles and rules.
        warn: called with one sentence about each thing that cannot be used.
    """

    def __init__(self, host: SdNext, store: ProfileStore, warn: Callable[[str], None]) -> None:
        self._host = host
        self._store = store
        self._warn = warn

    @property
    def settings(self) -> Settings:
        """The user's settings without any profile."""
        return parse_settings(self._host.opts.data)[0]

    @property
    def problems(self) -> tuple[SettingProblem, ...]:
        """Everything in the settings, profiles and rules that cannot be used."""
        settings, problems = parse_settings(self._host.opts.data)
        book = self._store.book
        return (*problems, *book.problems, *book.choose(settings).problems)

    def choose(self, processing: Any = None, traits: JobTraits | None = None) -> ChosenProfile:
        """Return the profile that applies now, or to a job that begins; warns of what cannot be used.

        Args:
            processing: the host's object for the job, None if there is none.
            traits: of the job, None without one.
        """
        settings, problems = parse_settings(self._host.opts.data)
        book = self._store.book
        chosen = book.choose(settings, traits, self._overrides(processing, settings))
        for problem in (*problems, *book.problems, *chosen.problems, *_find_misplaced(processing)):
            self._warn(problem.text)
        return chosen

    @staticmethod
    def has_overrides(processing: Any) -> bool:
        """Whether a job's own request sets any of our settings."""
        return any(str(name).startswith(OPTION_PREFIX) for name in overrides_of(processing))

    @staticmethod
    def _overrides(processing: Any, settings: Settings) -> dict[str, Any]:
        # The host has put them into its options for the time of the job: there they were checked already.
        overrides = overrides_of(processing)
        return {
            name: getattr(settings, name) for name, one in PROFILE_FIELDS.items() if one.option in overrides
        }


def overrides_of(processing: Any) -> dict[str, Any]:
    """Return ``override_settings`` of a job's request, empty if it has none."""
    found = getattr(processing, "override_settings", None)
    return found if isinstance(found, dict) else {}


def _find_misplaced(processing: Any) -> Iterator[SettingProblem]:
    """Yield what a request sets for itself in vain; the host says nothing of it, and goes on."""
    for name in map(str, overrides_of(processing)):
        if not name.startswith(OPTION_PREFIX) or name in _OF_REQUEST:
            continue
        what = f"is no setting and is left out; {suggest(name, _OF_REQUEST)}"
        remedy = "Take it out of the request."
        if any(name == one.option for one in FIELDS):
            what = "is a setting for all requests, not for one"
            remedy = "Change it in Settings > ZLUDA Sync."
        yield SettingProblem.at(f"override_settings: {shorten(name)}", what, remedy)
