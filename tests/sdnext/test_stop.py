"""Stop, Skip and Pause in the real SD.Next, from its own API, in every phase."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.sdnext.server import ROOT, DoneJob, Poll, SdNextServer

BLOCK_S = 0.15
JOB = {"steps": 8, "n_iter": 2}
HIRES = {"enable_hr": True, "hr_upscaler": "Latent", "hr_scale": 1.5, "denoising_strength": 0.5}


@pytest.fixture(scope="module")
def server(make_server) -> SdNextServer:
    """SD.Next with the extension, whose text encoder and decoder keep the host busy for a while."""
    made = make_server("stopped", step_s=0.2, decode_s=0.4, block_s=BLOCK_S)
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    made.set_options(samples_save=False, zluda_sync_depth=1)
    return made


@dataclass
class Press:
    """Presses once, when the label of a poll is the right one.

    Attributes:
        press: what is pressed.
        is_due: whether this label is the right one.
        at_s: when the answer came, None before.
        after: the polls that were asked for after it.
    """

    press: Callable[[], object]
    is_due: Callable[[str], bool]
    at_s: float | None = None
    after: list[Poll] = field(default_factory=list)

    def __call__(self, poll: Poll) -> None:
        if self.at_s is not None:
            self.after.append(poll)
        elif self.is_due(poll.answer["job"]):
            self.press()
            self.at_s = time.time()

    def labels_without(self, word: str) -> list[str]:
        """Return the labels after the press, up to the end of the job, that do not begin with a word."""
        labels = [poll.answer["job"] for poll in self.after]
        return [label for label in labels if label and not label.startswith(word)]


def run_pressed(
    server: SdNextServer,
    is_due: Callable[[str], bool],
    route: str = "/sdapi/v1/interrupt",
    body: dict[str, str] | None = None,
    **request: object,
) -> tuple[DoneJob, Press]:
    """Run a job, press in the phase that is due, and return both."""
    press = Press(lambda: server.post(route, body), is_due)
    job = server.run_job(0.02, on_poll=press, **{**JOB, **request})
    assert press.at_s is not None, "the job was over before its phase came"
    return job, press


def phase(text: str, image: int = 1) -> Callable[[str], bool]:
    """Return a test for labels of this phase of this image."""
    return lambda label: label.startswith(f"Image {image}/2: {text}")


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(
    ("mode", "depth", "text", "request_"),
    [
        ("every-step", 0, "Text encode", {}),
        ("every-step", 0, "Denoise 3", {}),
        ("every-step", 0, "Hires 2", HIRES),
        ("every-step", 0, "VAE decode", {}),
        ("run-ahead", 1, "Text encode", {}),
        ("run-ahead", 1, "Denoise 3", {}),
        ("run-ahead", 1, "Hires 2", HIRES),
        ("run-ahead", 1, "VAE decode", {}),
        ("observe", 8, "Text encode", {}),
        ("observe", 8, "Finishing", HIRES),
        ("observe", 8, "VAE decode", {}),
    ],
)
def test_stop_holds_in_every_phase(server, mode, depth, text, request_, sync):
    """It is acknowledged at once, queues at most depth + 1 more steps, and the next job is a whole one."""
    server.set_options(zluda_sync_mode=mode, torch_sync=sync)
    # SD.Next remembers the embeddings of a prompt: one that it knows has no text encode.
    prompt = f"a circle, {mode}, {text}, {sync}"
    shown = server.encode_label if text == "Text encode" else text
    job, press = run_pressed(server, phase(shown), prompt=prompt, **request_)
    assert [] == press.labels_without("Stopping: ")
    assert depth + 1 >= job.launched_after(press.at_s)
    assert 1 >= len(job.images)
    after = server.run_job(steps=2)
    assert (1, [2]) == (len(after.images), [len(loop) for loop in after.loops])


@pytest.mark.parametrize(("text", "blocks"), [("Text encode", 4), ("VAE decode", 4)])
def test_what_was_not_yet_queued_is_never_queued(server, text, blocks):
    """In the middle of an encode or a decode, the rest of its blocks is left out."""
    server.set_options(zluda_sync_mode="every-step")
    shown = server.encode_label if text == "Text encode" else text
    if shown == "Preparing":
        pytest.skip("this version does not tell when it encodes text")
    whole = server.run_job(**{**JOB, "n_iter": 1, "prompt": f"a circle, {text}"})
    stopped, press = run_pressed(server, lambda label: label == shown, n_iter=1, prompt=f"a square, {text}")
    assert stopped.blocks < whole.blocks
    assert stopped.ended_at_s - press.at_s < blocks * BLOCK_S


def test_pictures_that_are_whole_are_kept(server):
    """Stopped in the second image, the job delivers the first as it would have been."""
    server.set_options(zluda_sync_mode="run-ahead", keep_incomplete=False)
    whole = server.run_job(**JOB)
    stopped, _press = run_pressed(server, phase("Denoise 3", image=2))
    server.set_options(keep_incomplete=True)
    assert whole.images[:1] == stopped.images


def test_skip_ends_one_image_only(server):
    """SD.Next alone would skip the image after it too."""
    server.set_options(zluda_sync_mode="run-ahead")
    whole = server.run_job(**JOB)
    skipped, press = run_pressed(server, phase("Denoise 3"), "/sdapi/v1/skip")
    assert "Skipping: " in press.after[0].answer["job"]
    assert whole.images[1:] == skipped.images
    assert [8] == [len(loop) for loop in skipped.loops[1:]]
    assert ("skipped", {"asked": 2, "finished": 1}) == newest(server)


def test_stop_after_image_makes_that_image_whole(server):
    """The image under way is delivered, and no other is begun."""
    server.set_options(zluda_sync_mode="run-ahead")
    whole = server.run_job(**JOB)
    route, body = "/zluda_sync/v1/stop", {"when": "after-image"}
    stopped, press = run_pressed(server, phase("Denoise 3"), route, body)
    assert press.after[0].answer["job"].endswith(", then stop")
    assert whole.images[:1] == stopped.images
    assert 1 == len(stopped.loops)
    assert ("stopped", {"asked": 2, "finished": 1}) == newest(server)


def newest(server: SdNextServer) -> tuple[str, dict[str, int]]:
    """How the newest job ended, and how many of its images there are."""
    job = server.get("/zluda_sync/v1/jobs")["jobs"][0]
    return job["outcome"], job["images"]


def test_no_hook_is_left_after_a_stopped_job(server):
    """After the extension is switched off, every name and module is SD.Next's own."""
    server.set_options(zluda_sync_mode="run-ahead")
    run_pressed(server, phase("Denoise 3"))
    assert [] == [name for name in server.get("/async_device/patched") if name.startswith("hook")]
    server.set_options(zluda_sync_enabled=False)
    assert [] == server.get("/async_device/patched")
    server.set_options(zluda_sync_enabled=True)
