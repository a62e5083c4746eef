"""What pictures have taught is kept per model and VAE; a file that is broken is set aside."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.full_disk import full_disk
from zluda_sync.core.errors import LatentShapeError
from zluda_sync.core.learning.late_saver import LateSaver
from zluda_sync.device.preview.projection import DecodedPair
from zluda_sync.pipeline.projections import FitFile, Projections

LIMIT_S = 20.0


@pytest.fixture
def said():
    return []


@pytest.fixture
def make(tmp_path, said):
    return lambda: Projections(tmp_path, said.append, LateSaver(said.append))


def teach(projections, name="model, vae"):
    """Have them learn from a picture, and wait until that is written."""
    latents = torch.rand(4, 8, 8)
    projections.learn(name, [DecodedPair(latents, (latents[:3] * 255).permute(1, 2, 0))])
    projections._saver.flush(LIMIT_S)


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "zluda_sync" / "projections").glob("*"))


def test_what_was_learned_is_there_in_the_next_session(make, said):
    """From a file of safetensors: no pickle."""
    first = make()
    teach(first)
    again = make().find("model, vae", 4)
    assert torch.allclose(first.find("model, vae", 4).weights, again.weights)
    assert [] == said


def test_who_runs_a_job_does_not_wait_for_the_disk(tmp_path, said):
    """What was learned is known at once, and written by a thread of its own: what two jobs taught, once."""
    saver = LateSaver(said.append, pause_s=1000.0)
    projections, latents = Projections(tmp_path, said.append, saver), torch.rand(4, 8, 8)
    writing, save = [], FitFile.save

    def note(self, fit):
        writing.append((threading.current_thread().name, fit.jobs))
        save(self, fit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FitFile, "save", note)
        for _ in range(2):
            projections.learn("model, vae", [DecodedPair(latents, (latents[:3] * 255).permute(1, 2, 0))])
        assert projections.find("model, vae", 4) is not None
        assert ([], []) == (writing, files(tmp_path))
        saver.flush(LIMIT_S)
    assert ([("zluda_sync-learned", 2)], 1) == (writing, len(files(tmp_path)))


@pytest.mark.parametrize(("name", "channels"), [("another", 4), ("model, vae", 16)])
def test_models_do_not_mix(make, name, channels):
    """Neither names nor numbers of channels."""
    projections = make()
    teach(projections)
    assert projections.find(name, channels) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 5000, "C:\\models\\x", "模型", ""])
def test_no_name_becomes_a_path(make, tmp_path, name):
    """A model may be called anything."""
    teach(make(), name)
    (file,) = files(tmp_path)
    assert file.endswith(".safetensors")
    assert 16 == len(file.partition(".")[0])


@pytest.mark.parametrize("kind", ["cut off", "text", "other version", "other shape", "not numbers"])
def test_a_broken_file_is_set_aside_and_named(make, tmp_path, said, kind):
    """Nothing of it is used, nothing is lost, and learning begins anew."""
    teach(make())
    folder = tmp_path / "zluda_sync" / "projections"
    (file,) = folder.glob("*.safetensors")
    about = {"version": "1", "jobs": "1"}
    gram, target = torch.zeros(5, 5, dtype=torch.float64), torch.zeros(5, 3, dtype=torch.float64)
    if kind == "cut off":
        file.write_bytes(file.read_bytes()[:40])
    elif kind == "text":
        file.write_text("nonsense")
    elif kind == "other version":
        save_file({"gram": gram, "target": target}, file, metadata={**about, "version": "9"})
    elif kind == "other shape":
        save_file({"gram": gram[:3], "target": target}, file, metadata=about)
    else:
        save_file({"gram": gram * float("nan"), "target": target}, file, metadata=about)
    again = make()
    assert again.find("model, vae", 4) is None
    assert [f"{file.stem}.broken.safetensors"] == files(tmp_path)
    assert 1 == len(said)
    assert file.name in said[0]
    teach(again)
    assert again.find("model, vae", 4) is not None


def test_a_folder_that_cannot_be_written_to_is_said(make, tmp_path, said):
    """Previews go on with what this session has learned."""
    (tmp_path / "zluda_sync").write_text("in the way")
    projections = make()
    teach(projections)
    assert projections.find("model, vae", 4) is not None
    assert 1 == len(said)


def test_what_teaches_nothing_is_not_saved(make, tmp_path):
    """A black picture of a model that overflowed."""
    with pytest.raises(LatentShapeError):
        make().learn("model, vae", [DecodedPair(torch.full((4, 8, 8), float("nan")), torch.zeros(8, 8, 3))])
    assert [] == files(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "not numbers"])
def test_no_file_that_was_read_stays_mapped(make, tmp_path, is_whole):
    """Windows neither replaces nor renames a file while an array is a view of it."""
    teach(make())
    (file,) = (tmp_path / "zluda_sync" / "projections").glob("*.safetensors")
    if not is_whole:
        broken = torch.full((5, 5), float("nan"), dtype=torch.float64)
        target = torch.zeros(5, 3, dtype=torch.float64)
        save_file({"gram": broken, "target": target}, file, metadata={"version": "1", "jobs": "1"})
    mapped = []
    renamed = Path.replace

    def look(self, target):
        mapped.append(file.stem in Path("/proc/self/maps").read_text())
        return renamed(self, target)

    again = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", look)
        assert is_whole == (again.find("model, vae", 4) is not None)
        teach(again)
    assert {False} == set(mapped)


def test_two_sessions_on_one_folder_leave_whole_files(make, tmp_path, said):
    """Each writes beside the other: no save fails, nothing is left over, and the file can be read."""
    together = threading.Barrier(4)

    def learn(projections: Projections) -> None:
        together.wait(20.0)
        for _ in range(20):
            teach(projections)

    threads = [threading.Thread(target=learn, args=(make(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert make().find("model, vae", 4) is not None
    assert ([], 1) == (said, len(files(tmp_path)))


def test_on_a_full_disk_what_was_learned_before_stays(make, tmp_path, said):
    """And is said once, not after each job."""
    teach(make())
    (file,) = (tmp_path / "zluda_sync" / "projections").glob("*.safetensors")
    before, going_on = file.read_bytes(), make()
    with full_disk(100):
        teach(going_on)
        teach(going_on)
    assert (before, [file.name], 1) == (file.read_bytes(), files(tmp_path), len(set(said)))
