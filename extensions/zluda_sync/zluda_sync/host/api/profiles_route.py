"""``/zluda_sync/v1/profiles``: the profiles and rules, what they may set, and changes to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Body, HTTPException, Response

from zluda_sync.core.answers import answer_from, described
from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.fields import SettingField, plain
from zluda_sync.core.settings.profiles import AUTO, BUILTIN
from zluda_sync.core.settings.rules import rule_to_json
from zluda_sync.core.settings.schema import build_schema
from zluda_sync.core.settings.settings import PROFILE_FIELDS, SettingProblem
from zluda_sync.host.api.access import OWN_PAGE_ONLY
from zluda_sync.host.api.json_bodies import build_answer, read_fields, refuse
from zluda_sync.host.api.status import ProblemAnswer
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.profiles.store import ProfileRefusedError, ProfileStore

PATH = "/zluda_sync/v1/profiles"
SCHEMA_PATH = f"{PATH}/schema"
ONE_PATH = f"{PATH}/{{name}}"
#: Of the schema, for the description of the API.
SCHEMA_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"schema": {}}}}}


@dataclass(frozen=True, kw_only=True)
class FieldAnswer:
    """What a profile may set, or a rule may ask for."""

    name: str
    label: str
    info: str
    unit: str
    kind: str = described("choice, number or text")
    choices: tuple[str, ...] | None
    minimum: float | None
    maximum: float | None
    step: float | None
    default: Any = described("of the settings as they are now")


@dataclass(frozen=True, kw_only=True)
class ProfileAnswer:
    """One profile."""

    name: str
    is_builtin: bool = described("came with the extension, cannot be changed")
    explanation: str
    values: dict[str, Any] = described("what it sets; the rest stays as the settings have it")


@dataclass(frozen=True, kw_only=True)
class ProfilesAnswer:
    """Everything about profiles."""

    chosen: str = described("name of a profile, or auto for the rules")
    profiles: tuple[ProfileAnswer, ...]
    rules: tuple[dict[str, Any], ...] = described("asked in this order; the first that matches wins")
    problems: tuple[ProblemAnswer, ...]
    fields: tuple[FieldAnswer, ...] = described("what a profile may set")
    conditions: tuple[FieldAnswer, ...] = described("what a rule may ask for")
    config_file: str
    not_saved: str = described("why the last change is not in the file; empty if it is")


_CHANGE = Body(
    description='{"chosen": name of a profile, or auto, "rules": [all rules, in order]}; one may be left out.'
)
_PROFILE = Body(description='{"values": {"mode": "observe", …}}')


class ProfilesRoutes:
    """Answers everything below the path. A change is in use at once, and in the file with its answer.

    Args:
        store: reads and writes the profiles.
        choice: knows the settings below them.
    """

    def __init__(self, store: ProfileStore, choice: ProfileChoice) -> None:
        self._store = store
        self._choice = choice

    def get_profiles(self) -> Response:
        """List all profiles and rules, what they may set, and what in config.json cannot be used."""
        return build_answer(self._build_answer())

    def get_schema(self) -> Response:
        """Give the JSON schema of the entry ``zluda_sync`` in config.json."""
        return build_answer(build_schema())

    def put_profiles(self, body: Annotated[Any, _CHANGE] = None, _own: None = OWN_PAGE_ONLY) -> Response:
        """Choose a profile, or replace the rules, or both; nothing is changed if one of them is refused.

        The change is in use at once, and in the file with the answer, also while a job runs; or ``not_saved``
        says why not.

        Raises:
            HTTPException: 403, another site asks; 422, with what is wrong at which entry.
        """
        wanted = read_fields(body, ("chosen", "rules"))
        if not wanted:
            raise refuse([SettingProblem.at("chosen, rules", "are missing", "Send one of them.")])
        self._change(lambda: self._store.save(**wanted))
        return self.get_profiles()

    def put_profile(
        self, name: str, body: Annotated[Any, _PROFILE] = None, _own: None = OWN_PAGE_ONLY
    ) -> Response:
        """Keep a profile of your own; it replaces an older one of that name.

        Raises:
            HTTPException: 403, another site asks; 409, the name is a built-in profile's; 422, with what is
                wrong at which field.
        """
        _refuse_builtin(name)
        values = read_fields(body, ("values",)).get("values")
        self._change(lambda: self._store.save_profile(name, values))
        return self.get_profiles()

    def delete_profile(self, name: str, _own: None = OWN_PAGE_ONLY) -> Response:
        """Delete a profile of your own.

        A name that no address can carry, which only config.json can have, is escaped twice: ``%252E%252E``.

        Raises:
            HTTPException: 403, another site asks; 404, there is none; 409, it is built in; 422, something
                still chooses it.
        """
        name = unquote(name)  # no name has a %
        _refuse_builtin(name)
        try:
            self._change(lambda: self._store.delete_profile(name))
        except KeyError as error:
            raise HTTPException(404, "you have no profile of this name; GET profiles lists yours") from error
        return self.get_profiles()

    @staticmethod
    def _change(change: Callable[[], None]) -> None:
        try:
            change()
        except ProfileRefusedError as refusal:
            raise refuse(refusal.problems) from refusal

    def _build_answer(self) -> ProfilesAnswer:
        settings, book, not_saved = self._choice.settings, self._store.book, self._store.saver.not_saved
        return ProfilesAnswer(
            chosen=settings.profile,
            profiles=tuple(
                answer_from(ProfileAnswer, one, values=one.to_json()) for one in book.profiles.values()
            ),
            rules=tuple(map(rule_to_json, book.rules)),
            problems=tuple(answer_from(ProblemAnswer, one) for one in self._choice.problems),
            fields=tuple(_tell_field(one, getattr(settings, name)) for name, one in PROFILE_FIELDS.items()),
            conditions=tuple(_tell_field(one.field, None) for one in CONDITIONS.values()),
            config_file=self._store.file_name,
            not_saved=not_saved.text if not_saved is not None else "",
        )


def _refuse_builtin(name: str) -> None:
    if name in BUILTIN or name == AUTO:
        raise HTTPException(409, f"{name} is built in and stays as it is; give yours another name")


def _tell_field(one: SettingField, value: Any) -> FieldAnswer:
    kind = "choice" if one.choices else "number" if one.minimum is not None else "text"
    return answer_from(FieldAnswer, one, kind=kind, choices=one.choices or None, default=plain(value))
