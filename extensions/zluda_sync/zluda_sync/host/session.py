"""The session: puts everything together, and decides whether to act."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from zluda_sync.core.clock import SYSTEM_CLOCK
from zluda_sync.core.progress.cells import RequestCells
from zluda_sync.core.progress.snapshot import ProgressSnapshot
from zluda_sync.core.records.kept_jobs import KeptJobs
from zluda_sync.core.records.metrics import JobMetrics
from zluda_sync.core.records.self_test_report import SelfTestReport
from zluda_sync.device.steps.self_testing import SelfTesting, TestSubject
from zluda_sync.device.steps.tracker import StepTracker
from zluda_sync.device.steps.trust_book import TrustBook
from zluda_sync.host.accelerator import explain_no_accelerator
from zluda_sync.host.acting import Acting
from zluda_sync.host.api.status import JobSources, SessionStatus
from zluda_sync.host.api.status_feed import StatusFeed
from zluda_sync.host.hooks.patch_table import PatchTable
from zluda_sync.host.hooks.plan import PatchPlan
from zluda_sync.host.installation import Installation
from zluda_sync.host.job.begin import JobOpener
from zluda_sync.host.job.current import Jobs
from zluda_sync.host.job.estimator import Estimator
from zluda_sync.host.job.followed import HostJob
from zluda_sync.host.job.planning import Lessons
from zluda_sync.host.job.processing import HostProcessing
from zluda_sync.host.job.queue import Found, Queue
from zluda_sync.host.job.records import JobRecords
from zluda_sync.host.job.requests import Requests
from zluda_sync.host.job.titles import find_asker
from zluda_sync.host.log import HostLog
from zluda_sync.host.preview.previews import Previews
from zluda_sync.host.preview.setup import PreviewSetup
from zluda_sync.host.profiles.choice import ProfileChoice
from zluda_sync.host.profiles.option_saver import OptionSaver
from zluda_sync.host.profiles.settings_section import register_options
from zluda_sync.host.profiles.store import ProfileStore
from zluda_sync.host.sdnext import SdNext, log
from zluda_sync.pipeline.card_check.checking import CardChecking
from zluda_sync.pipeline.console.console import Console


class Session:
    """One per process. :meth:`reconcile` makes the host as the settings want it: patched, or as it came."""

    def __init__(self, host: SdNext) -> None:
        self._host = host
        self._log = HostLog()
        self._guard, warn = self._log.guard, self._log.warn
        self._requests = Requests(host.is_waiting, host.press, lambda: host.is_locked)
        self._previews = Previews()
        self.metrics = JobMetrics()
        self._saver = OptionSaver(host, lambda: host.queue_lock, warn)
        self.profiles = ProfileStore(host, self._saver)
        self.profile_choice = choice = ProfileChoice(host, self.profiles, warn)
        data = host.data_folder
        self._kept = KeptJobs(data / "zluda_sync" / "jobs.jsonl", lambda: choice.settings.keep_jobs, warn)
        self.records = JobRecords(self._kept, self.metrics.count, self._requests.is_under_way)
        self.queue = Queue(self._requests, self._kept.new_id, self.records)
        self._console = Console(warn, log, "the bar on the console is SD.Next's own for this job")
        self._jobs = Jobs(
            self._open_job,
            self._requests,
            self._previews,
            self._console,
            self._guard,
            self._keep_job,
            self._learn_request,
        )
        self._plan = PatchPlan(host, self._jobs, self._requests, self._previews, self._console)
        self._lessons = lessons = Lessons.of(data, warn)
        self._preview_setup = PreviewSetup(
            host, self._jobs, self._previews, self._plan.previews, warn, lessons.saver
        )
        self._tracker = StepTracker(self._plan.previews.other_work)
        self._book = TrustBook(data / "zluda_sync" / "selftest.json", warn, lambda: host.zluda_build)
        self._acting = Acting(host, self._book, lessons.sightings, self._log.tell)
        self.self_testing = SelfTesting(
            TestSubject("SD.Next", self._acting.find_accelerator, lambda: explain_no_accelerator(host)),
            self._book,
            self._tracker.threads.waits,
            self._is_idle,
            self._take_self_test,
        )
        self.card_checking = CardChecking(
            self.self_testing, self._tracker, data / "zluda_sync" / "verification.json", warn
        )
        self._opener = JobOpener(
            host, self._tracker, self._acting, self._requests, self._preview_setup, lessons, self._guard
        )
        self.estimator = Estimator(host, lessons.estimates, choice, self._acting, lambda: self.is_acting)
        self.status = SessionStatus(
            host,
            JobSources(lambda: self._jobs.shown, self.records, self.queue, self._previews),
            self.profile_choice,
            self.self_testing,
            self._acting,
            lambda: (self.is_acting, self._failure),
        )
        self.feed = StatusFeed(self.status.build_for_events, warn, record_told=self.status.record_shown)
        self._failure, self._last_end_s, self._is_job_overriding = "", 0.0, False
        self._routes: Sequence[Any] = ()
        self._lock = threading.RLock()
        self._installation = Installation(
            host, self._plan, self._jobs, self._requests, self._saver, self._guard, self.reconcile
        )

    @property
    def is_acting(self) -> bool:
        """Whether any name of the host is replaced."""
        return self._installation.is_there

    @property
    def patches(self) -> PatchTable:
        """What of the host is replaced."""
        return self._installation.table

    def reconcile(self) -> None:
        """Install the patches if settings and device ask for them, else take them out. Never raises.

        Settings pages call it on threads of their own, beside a job that begins or ends.
        """
        with self._lock:
            self._failure = ""
            with self._log.refusals.watching("not active", self._take_failure):  # a host that has changed
                if self._act():
                    return
            self._installation.take_out()

    def register_options(self) -> None:
        """Add our settings to the host's."""
        register_options(self._host, lambda: list(self.profiles.book.profiles), self._take_change)

    def serve(self, app: Any) -> None:
        """The host's web application has started."""
        self._routes = app.routes
        with self._guard.watching("serving a route"):
            self._add_routes()
        self.reconcile()

    def begin_job(self, processing: Any = None) -> None:
        """A picture call of the host begins, by this object; one within another is a cell of its job."""
        if self._jobs.begin_cell(processing):
            return
        self.self_testing.job_begins()
        asked_at_s = self._plan.phases.innermost_began_at_s
        if self.is_acting:
            with self._guard.watching("loading the host's processing"):
                self._host.load_processing()
        # What one request sets for itself decides about its job, not about what is installed.
        self._is_job_overriding = self.is_acting and self.profile_choice.has_overrides(processing)
        if not self._is_job_overriding:
            self.reconcile()
        if self.is_acting:
            # What waited in the host's queue began when the job before it ended.
            began_at_s = None if asked_at_s is None else max(asked_at_s, self._last_end_s)
            with self._guard.watching("following a job"):
                self._jobs.open(processing, began_at_s)
        else:
            with self._guard.watching("watching a job"):
                self._acting.watch_job(self.profile_choice.choose(processing).settings)

    def end_job(self, processing: Any = None) -> None:
        """A picture call of the host has ended, one way or another.

        Args:
            processing: the host's object for it, the innermost one if None.
        """
        if self._jobs.end_cell(processing):
            return
        tracked = self._jobs.current
        if tracked is None or not (self._plan.phases.titles and self._jobs.awaits_export(tracked)):
            if tracked is not None:
                self._opener.learn(tracked)
            with self._guard.watching("letting go of a job"):
                self._jobs.close()
            self._last_end_s = SYSTEM_CLOCK()
        self._acting.end_watch()
        self.self_testing.job_ended()
        if not self._is_job_overriding:
            self.reconcile()
        self._is_job_overriding = False

    def stop(self, after_image: bool = False) -> bool:
        """End what runs, at once or after the image that is made now; False if nothing runs."""
        control = self._requests.meant if self.is_acting else None
        if control is None:
            return False
        if after_image:
            control.stop_after_image()
        else:
            self._host.state.interrupted = True  # as the host's own button does
        return True

    def stop_by_name(self, name: str, after_image: bool = False) -> Found | None:
        """End the request of this name, and no other; None if the extension does not act."""
        return self.queue.stop(name, after_image) if self.is_acting else None

    def close(self) -> None:
        """Leave the host as it came."""
        self.feed.close()
        self._acting.end_watch()
        self._saver.close()
        with self._lock:
            self._installation.close()
        self.self_testing.close()
        self.card_checking.close()
        self._console.stop()
        self._tracker.stop()
        self._kept.close()
        self._lessons.saver.flush()

    def snapshot(self) -> ProgressSnapshot | None:
        """Return the progress of the request that is followed, None if there is none."""
        job = self._jobs.shown
        return job.snapshot() if job is not None else None

    def _take_change(self) -> None:
        self._saver.note_change_by_hand()
        self.reconcile()

    def _add_routes(self) -> None:
        # Not before the host has loaded FastAPI itself.
        from zluda_sync.host.api import routes

        routes.add_stop_route(self._host, self.stop, self.stop_by_name, self._jobs.tell_label)
        routes.add_test_routes(self._host, self.self_testing, self.card_checking)
        routes.add_profile_routes(self._host, self.profiles, self.profile_choice)
        routes.add_view_routes(self._host, self.status, self.feed, self.records, self.metrics, self._previews)
        routes.add_estimate_routes(self._host, self.estimator, self.snapshot, self.queue)
        routes.add_report_route(self._host, self.status.card, self._log.said, self.card_checking.tell)

    def _act(self) -> bool:
        """Install the patches if settings and device ask for them; return whether they do.

        Raises:
            Exception: whatever made a patch fail; then none is installed.
        """
        settings = self.profile_choice.choose().settings
        if not settings.is_on:
            # The checkbox holds at once, a profile from the next job on.
            return settings.enabled and self._installation.stays_for_now()
        if self._acting.wants_self_test(settings):
            self.self_testing.schedule()
        if not self._acting.decide_and_tell(settings, self._acting.find_accelerator()):
            return self._installation.stays_for_now()
        if not self._installation.put_in(self._routes):
            return False
        with self._guard.watching("following a budget"):
            self._change_budget()
        return True

    def _take_failure(self, error: Exception) -> None:
        self._failure = f"not active: {error}"

    def _change_budget(self) -> None:
        """Settings may have changed beside a job that runs; what its request set for itself stands."""
        traits = self.records.current_traits
        if traits is not None and not self._is_job_overriding:
            self._preview_setup.change_budget(self.profile_choice.choose(traits=traits).settings)

    def _open_job(self, processing: Any, began_at_s: float | None) -> HostJob | None:
        accelerator = self._acting.find_accelerator()
        if accelerator is None or not self.is_acting:
            return None
        asker = find_asker(processing, self._plan.phases.titles)
        names = (accelerator.name, self._host.model_name, self._host.model_type)
        traits = HostProcessing.of(processing).traits(*names, asker)
        chosen = self.profile_choice.choose(processing, traits)
        if not self._acting.decide(chosen.settings, accelerator).acts:
            return None
        tracked = self._opener.open(accelerator, chosen, processing, began_at_s, self._log.warn)
        if HostProcessing.of(processing).is_job:
            self.records.begin(self.queue.new_job_id(tracked.control), tracked, traits, chosen)
        return tracked

    def _keep_job(self, tracked: HostJob) -> None:
        if tracked.ends_with_request:  # others are learned from when the host says that they end
            self._opener.learn(tracked)
            self._last_end_s = SYSTEM_CLOCK()
        self.records.keep(tracked)

    def _learn_request(self, cells: RequestCells) -> None:
        self._opener.learn_request(cells)
        self.records.end_request(cells)

    def _is_idle(self) -> bool:
        is_busy = self._jobs.current is not None or self._requests.meant is not None
        # Phases that end within something leave the host without a job's name.
        if is_busy or self._host.is_locked or self._host.page_tasks[0] is not None:
            return False
        return not self._host.job or self._plan.idleness.is_idle

    def _take_self_test(self, report: SelfTestReport) -> None:
        self._log.tell_self_test(report)
        self.reconcile()
