"""Pictures that are described: one by one or in a batch, by a model that writes token by token."""

from __future__ import annotations

import sys
from types import FunctionType, SimpleNamespace

import pytest
import torch

from modules import shared
from tests.host.paced_host import WAIT_S, PacedHost

MOST_TOKENS, GIVEN_TOKENS = 8, 3


class Criteria(list):
    """Says after each token whether that was the last, as the class of this purpose in transformers does."""

    max_length = GIVEN_TOKENS + MOST_TOKENS

    def __call__(self, input_ids, scores, **kwargs):
        return torch.full((input_ids.shape[0],), input_ids.shape[1] >= self.max_length)


class Progress:
    """A bar as rich draws it, of which only the counts matter."""

    def add_task(self, description="", start=True, total=100.0, **fields):
        return 0

    def update(self, task_id, *, advance=None, **fields):
        pass


@pytest.fixture
def tab(bench, monkeypatch):
    """A host in which the user has pictures described."""
    monkeypatch.setitem(sys.modules, "rich.progress", SimpleNamespace(Progress=Progress))
    written = SimpleNamespace(StoppingCriteriaList=Criteria)
    monkeypatch.setitem(sys.modules, "transformers.generation.stopping_criteria", written)
    shared.opts.data["sd_model_checkpoint"] = "model"
    bench.switch_on()
    bench.device.finishes_on_wait = False
    made = Tab(bench)
    yield made
    made.close()


class Tab(PacedHost):
    """Runs the host's functions on a thread of its own, from token to token."""

    def __init__(self, bench) -> None:
        super().__init__(bench)
        self.texts: list[int] = []
        names = {**globals(), "__name__": "modules.caption.vqa"}  # by which the host's captioners are known
        for function in (caption, batch, clip_batch):
            names[function.__name__] = FunctionType(
                function.__code__, names, function.__name__, function.__defaults__
            )
        self.host = names

    def press(self, name, *args):
        """Begin; it waits before each token."""
        self.begin(self.host[name], *args)

    def write(self, tokens=MOST_TOKENS):
        """On the host's thread: a loop of transformers, which ends after so many tokens or when told to."""
        criteria, text = Criteria(), torch.zeros(1, GIVEN_TOKENS)
        for count in range(1, tokens + 1):
            self.pause()
            text = torch.cat([text, torch.zeros(1, 1)], dim=1)
            if bool(criteria(text, None).all()) or count == tokens:
                self.texts.append(count)
                return

    def go_on(self, tokens=1):
        for _ in range(tokens):
            self.bench.device.finish()
            super().go_on()

    def go_on_to_the_end(self):
        for _ in range(100):
            if not self.done.done():
                self.go_on()
        return self.done.result(WAIT_S)


def caption(tab, question, model_name, tokens=MOST_TOKENS):
    """Do what SD.Next's function of this name does."""
    job = tab.state.begin("VLM")
    tab.write(tokens)
    tab.state.end(job)


def batch(tab, model_name, question, files):
    """Do what SD.Next's function of this name does: the flag is asked for once a file."""
    job = tab.state.begin("LLM batch")
    bar = sys.modules["rich.progress"].Progress()
    task = bar.add_task(total=len(files))
    for file in files:
        bar.update(task, advance=1, description=file)
        if tab.state.interrupted:
            break
        caption(tab, question, model_name)
    tab.state.end(job)


def clip_batch(tab, clip_model, files):
    """Do what SD.Next's older captioner does: no phase for each file."""
    job = tab.state.begin("Caption batch")
    bar = sys.modules["rich.progress"].Progress()
    task = bar.add_task(total=len(files))
    for file in files:
        bar.update(task, advance=1, description=file)
        if tab.state.interrupted:
            break
        tab.write()
    tab.state.end(job)


def test_tokens_are_counted_when_the_device_has_finished_them(tab):
    """The label tells how many there are, and the bar moves toward the most that may come."""
    tab.press("caption", "what is this", "a model")
    assert ("Caption", 0.0) == (tab.shown().label, tab.shown().fraction)
    tab.go_on(2)
    tab.bench.device.finish()
    tab.bench.wait_until(lambda: "Caption 2 tokens" == tab.shown().label)
    assert 0.0 < tab.shown().fraction < 0.9  # on a busy machine the third has taken long
    tab.go_on_to_the_end()
    assert [MOST_TOKENS] == tab.texts
    assert tab.shown() is None


def test_stop_ends_a_text_after_the_token(tab):
    """The host alone writes it to its end."""
    tab.press("caption", "what is this", "a model")
    tab.go_on(2)
    tab.bench.in_thread(tab.state.interrupt)
    assert tab.shown().label.startswith("Stopping: ")
    tab.go_on_to_the_end()
    assert [3] == tab.texts


@pytest.mark.parametrize(("name", "asked"), [("batch", ("a model", "what")), ("clip_batch", ("a model",))])
def test_a_batch_has_one_bar(tab, name, asked):
    """Each file is an image of it, whether the host tells of each or only moves its own bar."""
    tab.press(name, *asked, ["a.png", "b.png", "c.png"])
    assert "Image 1/3: Caption" == tab.shown().label
    tab.go_on(MOST_TOKENS)
    assert "Image 2/3: Caption" == tab.shown().label
    tab.bench.device.finish()
    tab.bench.wait_until(lambda: tab.shown().fraction > 0.2)
    tab.go_on_to_the_end()
    assert [MOST_TOKENS] * 3 == tab.texts


@pytest.mark.parametrize(("name", "asked"), [("batch", ("a model", "what")), ("clip_batch", ("a model",))])
def test_stop_ends_a_batch(tab, name, asked):
    """A file that begins clears the host's flag; no text more is written all the same."""
    tab.press(name, *asked, ["a.png", "b.png", "c.png"])
    tab.go_on(1)
    tab.bench.in_thread(tab.state.interrupt)
    tab.go_on_to_the_end()
    assert [2] == tab.texts


def test_skip_cuts_no_text_short(tab):
    """The host knows none for captions; what it writes to files stays whole."""
    tab.press("batch", "a model", "what", ["a.png", "b.png"])
    tab.go_on(1)
    tab.bench.in_thread(tab.state.skip)
    tab.go_on_to_the_end()
    assert [MOST_TOKENS] * 2 == tab.texts


def test_a_file_that_is_given_twice_never_goes_back(tab):
    """The host tells of files by their names alone."""
    tab.press("batch", "a model", "what", ["a.png", "b.png", "a.png"])
    tab.go_on(2 * MOST_TOKENS)
    assert "Image 2/3" in tab.shown().label
    tab.go_on_to_the_end()
    assert [MOST_TOKENS] * 3 == tab.texts


def test_texts_of_other_threads_are_left_alone(tab):
    """A chat beside a caption neither counts nor ends with it."""
    tab.press("caption", "what is this", "a model")
    tab.bench.in_thread(tab.state.interrupt)
    ended = tab.bench.in_thread(lambda: Criteria()(torch.zeros(1, GIVEN_TOKENS + 1), None))
    assert not bool(ended.any())


def test_a_prompt_that_is_enhanced_counts_its_tokens_too(tab):
    """A phase of a picture's job: a language model writes its prompt before it begins."""
    tab.bench.begin("observe")
    phase = tab.state.begin("LLM")
    criteria = Criteria()
    for length in range(1, 4):
        criteria(torch.zeros(1, GIVEN_TOKENS + length), None)
        tab.bench.device.finish()
    tab.bench.wait_until(lambda: "Prompt enhance 3 tokens" == tab.shown().label)
    tab.state.end(phase)
