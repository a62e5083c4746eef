"""Who may use our routes on versions of SD.Next that know a page's login only beside their API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.security import HTTPBasic

#: Gradio's names: the first one is sent over https, and to this very machine.
_COOKIES = ("access-token", "access-token-unsecure")


def build_login_check(api: Any) -> Callable[[Request], Awaitable[bool]]:
    """Return a dependency that lets in who has logged in on the page, or has a user's name and password.

    Args:
        api: the host's; ``app.tokens`` are the logins of the page, ``auth`` checks name and password.
    """
    ask_for_password = HTTPBasic()

    async def check_login(request: Request) -> bool:
        tokens = getattr(api.app, "tokens", None) or {}
        # Gradio lets its cookie go along with what another site asks; browsers say where that comes from.
        is_own_page = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if is_own_page and any(request.cookies.get(name) in tokens for name in _COOKIES):
            return True
        return bool(api.auth(await ask_for_password(request)))

    return check_login
