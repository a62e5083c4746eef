"""The extension's own routes, added to the host's web application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Response

from zluda_sync.core.settings.settings import DEFAULTS
from zluda_sync.device.steps.accelerator import Accelerator
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.api import preview_route, self_test_route, stop_route
from zluda_sync.host.api.profiles_route import ProfilesRoutes
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.profiles.store import ProfileStore
from zluda_sync.host.sdnext import SdNext

_TAGS = ["ZLUDA Sync"]


def add_own_routes(
    host: SdNext,
    stop: Callable[[bool], bool],
    tell_label: Callable[[], str | None],
    previews: Previews,
    self_testing: SelfTesting,
    find_accelerator: Callable[[], Accelerator | None],
    profiles: ProfileStore,
    profile_choice: ProfileChoice,
) -> None:
    """Serve ``/zluda_sync/v1/…`` to whom the host would serve its own routes.

    Args:
        host: serves them.
        stop: ends what runs, after the image if True; False if nothing runs.
        tell_label: gives what the host is busy with to who has stopped it, None if no job runs.
        previews: of the session.
        self_testing: keeps the self-test's reports.
        find_accelerator: gives what the host computes on, None if that is the CPU.
        profiles: the user's.
        profile_choice: knows which of them goes.
    """

    def tell_self_test() -> self_test_route.SelfTestAnswer:
        accelerator, progress = find_accelerator(), self_testing.progress
        report = self_testing.book.find(accelerator)
        mode = DEFAULTS.policy(report).mode
        share = progress[0] if progress is not None else None
        return self_test_route.build_answer(mode.value, self_testing.explain(accelerator), share, report)

    host.add_route(
        stop_route.PATH,
        stop_route.build_stop_route(stop, tell_label),
        methods=["POST"],
        response_model=stop_route.StopAnswer,
        tags=_TAGS,
    )
    host.add_route(
        preview_route.PATH,
        preview_route.build_preview_route(previews),
        is_polled=True,
        methods=["GET"],
        response_class=Response,
        tags=_TAGS,
    )
    get_selftest, post_selftest = self_test_route.build_self_test_routes(self_testing.run_now, tell_self_test)
    for method, route in (("GET", get_selftest), ("POST", post_selftest)):
        host.add_route(
            self_test_route.PATH,
            route,
            methods=[method],
            response_model=self_test_route.SelfTestAnswer,
            tags=_TAGS,
        )
    for method, path, route, answer in ProfilesRoutes(profiles, profile_choice).table:
        host.add_route(path, route, methods=[method], tags=_TAGS, response_model=answer)
