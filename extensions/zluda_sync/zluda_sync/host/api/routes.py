"""Every route of ours below ``/zluda_sync/v1``: its endpoint, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Response

from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.job_answers import JobAnswer, JobsAnswer
from zluda_sync.core.records.metrics import JobMetrics
from zluda_sync.core.records.said_lines import SaidLines
from zluda_sync.device.steps.self_testing import SelfTesting
from zluda_sync.host.api import (
    estimate_route,
    jobs_route,
    news_route,
    profiles_route,
    report_route,
    running_job_route,
    self_test_route,
    status_route,
    verification_route,
)
from zluda_sync.host.api.status import PREVIEW_PATH, SessionStatus, StatusAnswer
from zluda_sync.host.api.status_feed import StatusFeed
from zluda_sync.host.card import CardFinder
from zluda_sync.host.job.estimator import Estimator
from zluda_sync.host.job.outlook import Outlook
from zluda_sync.host.job.queue import Found, Queue
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.profiles.store import ProfileStore
from zluda_sync.host.sdnext import SdNext
from zluda_sync.pipeline.card_check.checking import CardChecking

_TAGS = ["ZLUDA Sync"]
#: Method, path, endpoint, and the answer for OpenAPI: its dataclass, its description, or None.
_Row = tuple[str, str, Callable[..., Any], Any]


def add_view_routes(
    host: SdNext,
    status: SessionStatus,
    feed: StatusFeed,
    records: JobRecords,
    metrics: JobMetrics,
    previews: Previews,
) -> None:
    """Serve what can be watched. All of it is asked again and again, so no rate limit counts it.

    Versions of 2026 count requests by their very path, so each job has a limit of its own, which nobody
    reaches; the one that runs is asked by a path that is not counted.

    Args:
        host: serves the routes to whoever may use its own.
        status: of the session.
        feed: the same for streams.
        records: of the jobs.
        metrics: of the jobs that have ended.
        previews: of the session.
    """
    now, jobs = status_route.StatusRoutes(status, feed, previews), jobs_route.JobsRoutes(records)
    counters = status_route.MetricsRoute(status, metrics)
    preview = running_job_route.PreviewRoute(previews)
    _add(
        host,
        True,
        ("GET", status_route.PATH, now.get_status, StatusAnswer),
        ("GET", status_route.EVENTS_PATH, now.get_events, status_route.EVENTS_RESPONSES),
        ("GET", jobs_route.PATH, jobs.get_jobs, JobsAnswer),
        ("GET", jobs_route.CURRENT_PATH, jobs.get_current_job, JobAnswer),
        ("GET", jobs_route.ONE_PATH, jobs.get_job, JobAnswer),
        ("GET", jobs_route.TRACE_PATH, jobs.get_trace, jobs_route.TRACE_RESPONSES),
        ("GET", status_route.METRICS_PATH, counters.get_metrics, status_route.METRICS_RESPONSES),
        ("GET", PREVIEW_PATH, preview.get_preview, None),
    )
    _add(host, False, ("GET", news_route.PATH, news_route.get_news, news_route.NewsAnswer))


def add_stop_route(
    host: SdNext,
    stop: Callable[[bool], bool],
    stop_by_name: Callable[[str, bool], Found | None],
    tell_label: Callable[[], str | None],
) -> None:
    """Serve what ends a request.

    Args:
        host: serves the route to whoever may use its own.
        stop: ends what runs, after the image if True; False if nothing runs.
        stop_by_name: ends the request of this name alone; None if the extension does not act.
        tell_label: gives what the host is busy with to who has stopped it, None if no job runs.
    """
    stopping = running_job_route.StopRoute(stop, stop_by_name, tell_label)
    path, answer = running_job_route.STOP_PATH, running_job_route.StopAnswer
    _add(host, False, ("POST", path, stopping.post_stop, answer))


def add_test_routes(host: SdNext, self_testing: SelfTesting, card_checking: CardChecking) -> None:
    """Serve the self-test and the check of the card.

    Args:
        host: serves the routes to whoever may use its own.
        self_testing: keeps the self-test's reports.
        card_checking: runs the check of the card.
    """
    tests = self_test_route.SelfTestRoutes(self_testing, self_testing.find_accelerator)
    checks = verification_route.VerificationRoutes(card_checking)
    test, check = self_test_route.PATH, verification_route.PATH
    _add(host, True, ("GET", check, checks.get_verification, verification_route.VerificationAnswer))
    _add(
        host,
        False,
        ("GET", test, tests.get_selftest, self_test_route.SelfTestAnswer),
        ("POST", test, tests.post_selftest, self_test_route.SelfTestAnswer),
        ("POST", check, checks.post_verification, verification_route.STARTED_RESPONSES),
    )


def add_profile_routes(host: SdNext, profiles: ProfileStore, profile_choice: ProfileChoice) -> None:
    """Serve the profiles, and what there is to choose in one.

    Args:
        host: serves the routes to whoever may use its own.
        profiles: the user's.
        profile_choice: knows which of them is in use.
    """
    own, told = profiles_route.ProfilesRoutes(profiles, profile_choice), profiles_route.ProfilesAnswer
    _add(
        host,
        False,
        ("GET", profiles_route.PATH, own.get_profiles, told),
        ("PUT", profiles_route.PATH, own.put_profiles, told),
        ("GET", profiles_route.SCHEMA_PATH, own.get_schema, profiles_route.SCHEMA_RESPONSES),
        ("PUT", profiles_route.ONE_PATH, own.put_profile, told),
        ("DELETE", profiles_route.ONE_PATH, own.delete_profile, told),
    )


def add_estimate_routes(
    host: SdNext,
    estimator: Estimator,
    find_snapshot: Callable[[], ProgressSnapshot | None],
    queue: Queue,
) -> None:
    """Serve what a job would take, asked whenever a setting of the page moves.

    Args:
        host: serves the routes to whoever may use its own.
        estimator: knows how long jobs take.
        find_snapshot: gives the progress of the job that is followed, None if there is none.
        queue: knows what waits.
    """
    outlook = Outlook(host, find_snapshot, estimator, lambda: [one.name or one.id for one in queue.waiting])
    routes, path = estimate_route.EstimateRoutes(estimator, outlook), estimate_route.PATH
    row = ("GET", path, routes.get_estimate, estimate_route.EstimateAnswer)
    _add(host, True, row, openapi_extra=estimate_route.EXTRA)
    _add(host, True, ("POST", path, routes.post_estimate, estimate_route.ToldAnswer))


def add_report_route(
    host: SdNext,
    card: CardFinder,
    said: SaidLines,
    find_verification: report_route.FindVerification = lambda: None,
) -> None:
    """Serve what can be sent of the card.

    Args:
        host: serves the route to whoever may use its own.
        card: finds what there is to tell.
        said: what was said in the log.
        find_verification: gives the newest verification of the card as plain JSON, None if there was none.
    """
    route = report_route.ReportRoute(card, said, find_verification)
    _add(host, False, ("GET", report_route.PATH, route.get_report, report_route.RESPONSES))


def _add(host: SdNext, is_polled: bool, *rows: _Row, **extra: Any) -> None:
    for method, path, endpoint, answer in rows:
        host.add_route(
            path,
            endpoint,
            is_polled=is_polled,
            methods=[method],
            response_class=Response,  # each endpoint writes its own: FastAPI only describes them
            responses=_responses(answer),
            tags=_TAGS,
            **extra,
        )


def _responses(answer: Any) -> dict[int | str, Any]:
    """Return what OpenAPI says of a route's answers."""
    if isinstance(answer, type):
        return {200: {"model": answer, "description": answer.__doc__}}
    return answer or {}
