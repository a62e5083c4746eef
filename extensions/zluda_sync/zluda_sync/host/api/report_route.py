"""``GET /zluda_sync/v1/report``: what a stranger can send of a card, without a word of the stranger's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Response

from zluda_sync.core.guard import Guard
from zluda_sync.core.records.card_report import MOST_BYTES, build_report
from zluda_sync.core.records.said_lines import SaidLines
from zluda_sync.host.api.json_bodies import NO_STORE
from zluda_sync.host.card import CardFinder, find_private_words

PATH = "/zluda_sync/v1/report"
#: For the description of the API.
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": f"to read and to send, at most {MOST_BYTES} bytes: no prompts, no paths, no names "
        "of users, machines and models",
    }
}
#: Gives the newest verification of the card as plain JSON, None if there was none.
FindVerification = Callable[[], Mapping[str, Any] | None]


class ReportRoute:
    """Answers with the report on the card.

    Args:
        card: finds what there is to tell.
        said: what was said in the log.
        find_verification: gives the newest verification of the card.
    """

    def __init__(
        self, card: CardFinder, said: SaidLines, find_verification: FindVerification = lambda: None
    ) -> None:
        self._card = card
        self._said = said
        self._find_verification = find_verification

    def get_report(self) -> Response:
        """Tell what can be sent of this card, as text for a person to read. Nothing is sent anywhere."""
        return Response(self.build(), media_type="application/json", headers=NO_STORE)

    def build(self) -> str:
        """Return the text of the report."""
        found = self._card.find()
        found["log"] = [{"said": line, "times": times} for line, times in self._said]
        with Guard(lambda what, error: None).watching("finding the verification"):
            found["verification"] = self._find_verification()
        return build_report(found, find_private_words())
