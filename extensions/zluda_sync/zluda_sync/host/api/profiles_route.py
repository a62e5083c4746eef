"""``/zluda_sync/v1/profiles``: the profiles and rules, what they may set, and changes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import Body, HTTPException
from pydantic import BaseModel, Field

from zluda_sync.core.settings.conditions import CONDITIONS
from zluda_sync.core.settings.fields import SettingField
from zluda_sync.core.settings.profiles import AUTO, BUILTIN
from zluda_sync.core.settings.rules import rule_to_json
from zluda_sync.core.settings.schema import build_schema
from zluda_sync.core.settings.settings import PROFILE_FIELDS, SettingProblem
from zluda_sync.host.api.json_body import read_fields, refused
from zluda_sync.host.api.request_origin import OWN_PAGE_ONLY
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.profiles.store import ProfileRefusedError, ProfileStore

PATH = "/zluda_sync/v1/profiles"
SCHEMA_PATH = f"{PATH}/schema"
ONE_PATH = f"{PATH}/{{name}}"


class ProblemAnswer(BaseModel):
    """Something in the configuration that cannot be used."""

    where: str = Field(description="file and entry, or the setting")
    text: str = Field(description="what is wrong, what is used instead, and the remedy")


class FieldAnswer(BaseModel):
    """What a profile may set, or a rule may ask for."""

    name: str
    label: str
    info: str
    unit: str
    kind: str = Field(description="choice, number or text")
    choices: list[str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    default: Any = Field(None, description="of the settings as they are now")


class ProfileAnswer(BaseModel):
    """One profile."""

    name: str
    is_builtin: bool = Field(description="came with the extension, cannot be changed")
    explanation: str
    values: dict[str, Any] = Field(description="what it sets; the rest stays as the settings have it")


class ProfilesAnswer(BaseModel):
    """Everything about profiles."""

    chosen: str = Field(description="name of a profile, or auto for the rules")
    profiles: list[ProfileAnswer]
    rules: list[dict[str, Any]] = Field(description="asked in this order; the first that matches wins")
    problems: list[ProblemAnswer]
    fields: list[FieldAnswer] = Field(description="what a profile may set")
    conditions: list[FieldAnswer] = Field(description="what a rule may ask for")
    config_file: str
    not_saved: str = Field("", description="why the last change is not in the file; empty if it is")


def tell_problems(problems: Iterable[SettingProblem]) -> list[ProblemAnswer]:
    """Return problems as the routes give them."""
    return [ProblemAnswer(where=one.where, text=one.text) for one in problems]


_CHANGE = Body(
    description='{"chosen": name of a profile, or auto, "rules": [all rules, in order]}; one may be left out.'
)
_PROFILE = Body(description='{"values": {"mode": "observe", …}}')


class ProfilesRoutes:
    """What answers below the path.

    Args:
        store: reads and writes the profiles.
        choice: knows the settings that they stand over.
    """

    def __init__(self, store: ProfileStore, choice: ProfileChoice) -> None:
        self._store = store
        self._choice = choice

    @property
    def table(self) -> list[tuple[str, str, Callable[..., Any], Any]]:
        """Method, path, what answers and the kind of its answer, of each route."""
        return [
            ("GET", PATH, self.get_profiles, ProfilesAnswer),
            ("PUT", PATH, self.put_profiles, ProfilesAnswer),
            ("GET", SCHEMA_PATH, self.get_schema, None),
            ("PUT", ONE_PATH, self.put_profile, ProfilesAnswer),
            ("DELETE", ONE_PATH, self.delete_profile, ProfilesAnswer),
        ]

    def get_profiles(self) -> Any:
        """Tell all profiles and rules, what they may set, and what in config.json cannot be used."""
        settings, book, not_saved = self._choice.settings, self._store.book, self._store.saver.not_saved
        return ProfilesAnswer(
            chosen=settings.profile,
            profiles=[
                ProfileAnswer(
                    name=one.name,
                    is_builtin=one.is_builtin,
                    explanation=one.explanation,
                    values=one.to_json(),
                )
                for one in book.profiles.values()
            ],
            rules=[rule_to_json(rule) for rule in book.rules],
            problems=tell_problems(self._choice.problems),
            fields=[_tell_field(one, getattr(settings, name)) for name, one in PROFILE_FIELDS.items()],
            conditions=[_tell_field(one.field, None) for one in CONDITIONS.values()],
            config_file=self._store.file_name,
            not_saved=not_saved.text if not_saved is not None else "",
        )

    def get_schema(self) -> Any:
        """Tell the JSON schema of the entry ``zluda_sync`` in config.json."""
        return build_schema()

    def put_profiles(self, body: Annotated[Any, _CHANGE] = None, _own: None = OWN_PAGE_ONLY) -> Any:
        """Choose a profile, or replace the rules, or both; nothing is changed if one of them is refused.

        It goes at once, and is in the file with the answer, also while a job runs; or ``not_saved`` says why.

        Raises:
            HTTPException: 403, another site asks; 422, with what is wrong at which entry.
        """
        wanted = read_fields(body, ("chosen", "rules"))
        if not wanted:
            raise refused([SettingProblem.at("chosen, rules", "are missing", "Send one of them.")])
        self._change(lambda: self._store.save(**wanted))
        return self.get_profiles()

    def put_profile(
        self, name: str, body: Annotated[Any, _PROFILE] = None, _own: None = OWN_PAGE_ONLY
    ) -> Any:
        """Keep a profile of your own, in the place of an older one of that name.

        Raises:
            HTTPException: 403, another site asks; 409, the name is a built-in profile's; 422, with what is
                wrong at which field.
        """
        _refuse_builtin(name)
        self._change(self._store.save_profile, name, read_fields(body, ("values",)).get("values"))
        return self.get_profiles()

    def delete_profile(self, name: str, _own: None = OWN_PAGE_ONLY) -> Any:
        """Drop a profile of your own.

        Raises:
            HTTPException: 403, another site asks; 404, there is none; 409, it is built in; 422, something
                still chooses it.
        """
        _refuse_builtin(name)
        try:
            self._change(self._store.delete_profile, name)
        except KeyError as error:
            raise HTTPException(404, "you have no profile of this name; GET profiles lists yours") from error
        return self.get_profiles()

    @staticmethod
    def _change(change: Callable[..., None], *arguments: Any) -> None:
        try:
            change(*arguments)
        except ProfileRefusedError as refusal:
            raise refused(refusal.problems) from refusal


def _refuse_builtin(name: str) -> None:
    if name in BUILTIN or name == AUTO:
        raise HTTPException(409, f"{name} is built in and stays as it is; give yours another name")


def _tell_field(one: SettingField, value: Any) -> FieldAnswer:
    kind = "choice" if one.choices else "number" if one.minimum is not None else "text"
    return FieldAnswer(
        name=one.name,
        label=one.label,
        info=one.info,
        unit=one.unit,
        kind=kind,
        choices=list(one.choices) if one.choices else None,
        minimum=one.minimum,
        maximum=one.maximum,
        step=one.step,
        default=getattr(value, "value", value),
    )
