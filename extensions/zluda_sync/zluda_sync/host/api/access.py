"""Who may use our routes: whoever has logged in, but no page of another site in the user's browser.

Any page may have a browser send a POST without a body to any address, SD.Next's among them: it cannot read
the answer, but a job is stopped all the same. Browsers say where such a request comes from; programs that are
no browsers say nothing, and are served.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBasic
from starlette.datastructures import Headers

from zluda_sync.core.settings.fields import shorten
from zluda_sync.host.sdnext import SdNext

#: Gradio's names for the login of its page: the first is sent over https, and to this very machine.
_LOGIN_COOKIES = ("access-token", "access-token-unsecure")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: Signs of a proxy that has passed the request on. No page can set these without being asked beforehand.
_PROXY_HEADERS = (
    "x-forwarded-host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-real-ip", "forwarded",
    "via",
)  # fmt: skip
_FORWARDED_HOST = re.compile(r'\bhost\s*=\s*"?([^";,\s]+)', re.IGNORECASE)


def build_login_check(api: Any) -> Callable[[Request], Awaitable[bool]]:
    """Return a dependency that lets in who has logged in on the page, or has a user's name and password.

    For versions of the host before 2026, which know a page's login only beside their API.

    Args:
        api: the host's; ``app.tokens`` are the logins of the page, ``auth`` checks name and password.
    """
    ask_for_password = HTTPBasic()

    async def check_login(request: Request) -> bool:
        tokens = getattr(api.app, "tokens", None) or {}
        # Gradio lets its cookie go along with what another site asks; browsers say where that comes from.
        is_own_page = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if is_own_page and any(request.cookies.get(name) in tokens for name in _LOGIN_COOKIES):
            return True
        return bool(api.auth(await ask_for_password(request)))

    return check_login


async def refuse_other_sites(request: Request) -> None:
    """Let in the host's own page, what ``--cors-origins`` and ``--cors-regex`` allow, and what is no browser.

    Raises:
        HTTPException: 403, with the remedy: the request comes from another site.
    """
    origin = request.headers.get("origin")
    if not is_of_another_site(request.headers, request.method):
        return
    if origin is not None and SdNext().allows_origin(origin):
        return
    address = request.headers.get("host", "")
    site = f"the site {shorten(origin)}" if origin is not None else "another site"
    raise HTTPException(
        403,
        f"refused: {site} asks for this, and SD.Next is reached at {shorten(address)}. If it is SD.Next's "
        "own page, have your proxy pass on the header Host, or X-Forwarded-Host; another site of yours can "
        "be named with --cors-origins when SD.Next is started",
    )


#: As the default of an endpoint's parameter: the endpoint is for the host's own page, and no other site's.
OWN_PAGE_ONLY = Depends(refuse_other_sites)


def is_of_another_site(headers: Headers, method: str) -> bool:
    """Return whether a browser sends a request on behalf of another site's page.

    Args:
        headers: of the request.
        method: of the request; to follow a link from another site is no offence.
    """
    # The browser itself compares the addresses that it knows, whatever a proxy makes of them on the way. It
    # does so for https and for this very machine only, and no page can set this header.
    relation = headers.get("sec-fetch-site")
    if relation == "same-origin":
        return False
    origin = headers.get("origin")
    if origin is not None:
        return not _is_own(_split(origin), headers)
    is_link = method in _SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    return relation in ("cross-site", "same-site") and not is_link


def _is_own(origin: SplitResult | None, headers: Headers) -> bool:
    """Whether an origin is an address at which this host is reached."""
    if origin is None or origin.scheme not in _DEFAULT_PORTS:
        return False
    default_port = _DEFAULT_PORTS[origin.scheme]
    is_forwarded = any(name in headers for name in _PROXY_HEADERS)
    for address in _addresses(headers):
        if _host_name(address) != _host_name(origin):
            continue
        if (address.port or default_port) == (origin.port or default_port):
            return True
        if address.port is None and is_forwarded:  # many a proxy passes the name on without the port
            return True
    return False


def _addresses(headers: Headers) -> Iterator[SplitResult]:
    """Yield the addresses of the host, by the browser's or a proxy's word."""
    named = headers.getlist("host")
    for line in headers.getlist("x-forwarded-host"):
        named += line.split(",")
    for line in headers.getlist("forwarded"):
        named += _FORWARDED_HOST.findall(line)
    for name in named:
        address = _split(f"//{name.strip()}")
        if address is not None:
            yield address


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address, None if it is none: ``null``, or nonsense."""
    try:
        parts = urlsplit(address)
        # Reading the port checks it.
        is_plain = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if is_plain else None


def _host_name(address: SplitResult) -> str:
    """Return the name of the machine, in one spelling for all comparisons."""
    name = (address.hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name
