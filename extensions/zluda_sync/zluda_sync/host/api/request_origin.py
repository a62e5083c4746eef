"""Whether a request comes from the host's own page, or from another site that the user's browser has open.

Any page may have a browser send a POST without a body to any address, SD.Next's among them: it cannot read
the answer, but a job is stopped all the same. Browsers say where such a request comes from; programs that are
no browsers say nothing, and are served.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import Headers

from zluda_sync.core.settings.fields import shorten
from zluda_sync.host.sdnext import SdNext

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: What tells that a proxy has passed the request on. No page can set these without being asked beforehand.
_PROXY_HEADERS = (
    "x-forwarded-host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-real-ip", "forwarded",
    "via",
)  # fmt: skip
_FORWARDED_HOST = re.compile(r'\bhost\s*=\s*"?([^";,\s]+)', re.IGNORECASE)


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
    """Return whether a browser sends a request for a page of another site than this host.

    Args:
        headers: of the request.
        method: of the request; following a link from another site is no offence.
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
    """Yield where the host is reached, by the browser's or a proxy's word."""
    named = [*headers.getlist("host")]
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
        is_plain = (
            parts.hostname and parts.port != 0 and "@" not in parts.netloc
        )  # asking for a port checks it
    except ValueError:
        return None
    return parts if is_plain else None


def _host_name(address: SplitResult) -> str:
    """Return the name of the machine in the one way in which it is compared."""
    name = (address.hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name
