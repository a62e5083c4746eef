"""Films: the job goes on to their file, frames are put between their own, and their previews move."""

from __future__ import annotations

import base64
import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from PIL import Image

from zluda_sync.core.errors import Interrupted
from zluda_sync.core.phase import Phase
from zluda_sync.host.job.begin import find_leave_signal
from zluda_sync.host.job.films import find_frames_between, is_film
from zluda_sync.host.preview.previews import SMALL_SIDE_PX, Preview

FRAMES, BETWEEN = 9, 2


class Bar:
    """A bar as tqdm draws it on rich's: it tells how many are done, and not how many more."""

    def add_task(self, description, start=True, total=100.0, **fields):
        return 0

    def update(self, task_id, *, completed=None, **fields):
        pass


class StableDiffusionProcessingVideo:
    """What the host calls its object for a film."""

    def __init__(self) -> None:
        self.frames, self.steps, self.width, self.height = FRAMES, 2, 64, 64
        self.video_interpolate, self.video_interpolated = 0, False


class FilmTab:
    """Does what the host's function for its tab "Video" does."""

    def __init__(self, bench) -> None:
        self.bench, self.state = bench, bench.state
        self.film = StableDiffusionProcessingVideo()
        self.labels: list[str] = []

    def press(self, between=0, then=lambda: None):
        """Make a film from the beginning to the end; ``then`` is done once its frames are made."""
        mp4_interpolate = between  # by this name, as the host has it  # noqa: F841
        outer = self.state.begin("Video", task_id="task(1)")
        self.make(then)
        self.state.end(outer)

    def press_generator(self, then):
        """The same by a generator: what comes after its first step runs on another thread."""
        outer = self.state.begin("Video", task_id="task(1)")

        def go_on():
            self.make(then)
            self.state.end(outer)

        self.bench.in_thread(go_on)

    def make(self, then):
        """Make the frames, and do what comes then."""
        self.bench.session.begin_job(self.film)
        self.job = self.bench.session._jobs.current.job
        self.planned = [part.phase for part in self.job.parts if part.began_at_s is None]
        self.bench.begin_loop()
        loop = self.state.id
        for step in range(2):
            self.bench.step(step, latents=torch.full((1, 4, 3, 2, 2), float(step)))
        self.bench.finish()
        self.state.end(loop)
        decode = self.state.begin("VAE Decode")
        self.state.end(decode)
        self.bench.session.end_job(self.film)
        then()

    def interpolate(self, frames):
        bar = sys.modules["rich.progress"].Progress()
        task = bar.add_task("Interpolate", total=frames)
        for number in range(frames):
            bar.update(task, completed=number + 1)
            self.labels.append(self.label)

    def press_stop(self):
        """Do what the button does, on a thread of the server's."""
        self.bench.in_thread(lambda: setattr(self.state, "interrupted", True))

    def save(self):
        saving = self.state.begin("Save video")
        self.labels.append(self.label)
        self.state.end(saving)

    @property
    def label(self):
        snapshot = self.bench.session.snapshot()
        return snapshot.label if snapshot is not None else None


@pytest.fixture
def tab(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", SimpleNamespace(Progress=Bar))
    bench.switch_on()
    return FilmTab(bench)


def apply_video_interpolation(tab, frames):
    """Catch what comes, as the host's function of this name does."""
    try:
        tab.interpolate(frames)
    except Exception:  # noqa: BLE001  as the host does
        return False
    return True


def test_a_film_is_followed_until_its_request_ends(tab):
    """Its picture call has ended long before its file is there."""
    bars = []

    def then():
        tab.save()
        bars.append(tab.bench.session.snapshot().fraction)

    tab.press(then=then)
    assert ["Saving video"] == tab.labels
    assert bars[0] < 1.0
    assert tab.label is None
    begun = [part.phase for part in tab.job.parts if part.phase is not Phase.PREPARE]
    assert [Phase.DENOISE, Phase.DECODE, Phase.SAVE, Phase.EXPORT] == begun
    assert all(part.left_at_s is not None for part in tab.job.parts)


def test_a_film_whose_tab_is_a_generator_is_followed_until_its_request_ends(tab):
    """The thread on which it goes on has no phase around those that come after the frames."""

    def then():
        preparing = tab.state.begin("Prepare video")
        tab.state.end(preparing)
        tab.save()

    tab.press_generator(then)
    assert ["Saving video"] == tab.labels
    assert tab.label is None


def test_a_film_that_fails_on_another_thread_is_left(tab):
    """The host ends all by an end that names nothing."""
    tab.press_generator(tab.state.end)
    assert tab.label is None


def test_what_waits_behind_a_film_begins_when_its_file_is_there(tab):
    """And not when its frames were."""
    ends_s = []

    def then():
        ends_s.append(tab.bench.session._last_end_s)
        tab.save()
        ends_s.append(tab.bench.session._last_end_s)

    tab.press(then=then)
    assert ends_s[0] == ends_s[1] < tab.bench.session._last_end_s


def test_a_picture_is_not_followed_beyond_its_call(tab):
    """Another object of the host's in the same place."""
    tab.film = SimpleNamespace(steps=2, width=64, height=64)
    followed = []
    tab.press(then=lambda: followed.append(tab.bench.session._jobs.current))
    assert [None] == followed


def test_frames_between_are_planned_and_counted(tab):
    """How many the tab was asked for is known before; each pair is told, and the file comes after."""

    def then():
        assert apply_video_interpolation(tab, 3)
        tab.save()

    tab.press(BETWEEN, then)
    assert [Phase.SAVE, Phase.INTERPOLATE, Phase.EXPORT] == tab.planned[-3:]
    assert "Saving video" == tab.labels[-1]
    assert 3 == len([label for label in tab.labels[:-1] if label.startswith("Interpolate ")])
    assert all(label.endswith("/3") for label in tab.labels[:-1])


def test_a_stop_leaves_frames_between_and_keeps_the_film(tab):
    """After one pair; the host does not try again, and does not take the film for one with more frames."""

    def then():
        tab.press_stop()
        assert not apply_video_interpolation(tab, 3)

    tab.film.video_interpolate = BETWEEN
    tab.press(BETWEEN, then)
    assert (True, 0) == (tab.film.video_interpolated, tab.film.video_interpolate)
    assert [] == tab.labels


def test_a_stop_leaves_no_interpolation_that_nobody_catches(tab):
    """An error would end more than the frames between."""

    def then():
        tab.press_stop()
        tab.interpolate(2)

    tab.press(BETWEEN, then)
    assert 2 == len(tab.labels)


def test_more_frames_are_more_work(tab):
    """Two films that differ in their frames alone are not taken for the same."""
    shapes = []
    for frames in (FRAMES, 2 * FRAMES):
        tab.film.frames = frames
        tab.press()
        shapes.append(tab.job.shape)
    assert 2 * shapes[0].base_pixels == shapes[1].base_pixels


def test_frames_between_are_found_on_the_way_to_us():
    """In the host's function for the tab, by the name that it has there; none where there is none."""

    def deeper():
        return find_frames_between()

    def tab_of_the_host(mp4_interpolate):
        return deeper()

    assert 3 == tab_of_the_host(3)
    assert 0 == deeper() == tab_of_the_host("3")


def test_a_film_is_told_by_the_kind_of_the_hosts_object():
    """One that is derived from it, too."""
    derived = type("Derived", (StableDiffusionProcessingVideo,), {})
    assert is_film(derived()) and not is_film(None) and not is_film(SimpleNamespace(frames=3))


def test_the_hosts_silent_error_is_what_models_are_left_by(monkeypatch):
    """It prints no traceback of such; without one in the host there is our own."""
    assert find_leave_signal() is Interrupted
    silent = type("ErrorLimiterAbort", (RuntimeError,), {})
    module = ModuleType("modules.errorlimiter")
    module.ErrorLimiterAbort = silent
    monkeypatch.setitem(sys.modules, module.__name__, module)
    signal = find_leave_signal()
    assert issubclass(signal, Interrupted) and issubclass(signal, silent)
    assert signal is find_leave_signal() and "no data" in str(signal())


def test_the_page_is_sent_a_film_that_moves_and_is_small():
    """A picture stays a JPEG."""
    frames = [Image.new("RGB", (512, 256), (shade, 0, 0)) for shade in (0, 100, 200)]
    still = Preview(1, 0, frames[1])
    moving = Preview(2, 0, frames[1], frames)
    assert still.data_uri.startswith("data:image/jpeg;base64,")
    kind, _, encoded = moving.data_uri.partition(",")
    shown = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert ("data:image/webp;base64", 3, (SMALL_SIDE_PX, SMALL_SIDE_PX // 2)) == (
        kind,
        shown.n_frames,
        shown.size,
    )
