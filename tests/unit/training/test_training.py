"""Training of ``mini``: parts by their properties, the whole by learning something and by surviving a kill."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries.torchvision import classifier
from imgsim.backbones.mini import POOL_GRID
from imgsim.backbones.mini.network import WIDTHS, MiniEncoder
from training.__main__ import app
from training.augment import mirror_parts, student_view
from training.distill import Batches, Distiller, Schedule, run
from training.loss import Distillation
from training.muon import Muon
from training.network import TrainableEncoder
from training.package import read_packaged, write_packaged
from training.photos import PhotoSet
from training.task import Task
from training.teacher import Teacher

SEED = 0


def packaged() -> MiniEncoder:
    network = get_backbone("mini").build()
    assert isinstance(network, MiniEncoder)
    return network


def pooled(maps: torch.Tensor) -> torch.Tensor:
    """The packaged feature of the map of the network in training."""
    return torch.nn.functional.adaptive_avg_pool2d(maps, POOL_GRID).flatten(1)


def test_folding_changes_nothing() -> None:
    network = TrainableEncoder()
    x = torch.randn(4, 3, 64, 64)
    for _ in range(3):
        network(torch.randn(8, 3, 64, 64))  # statistics of batches
    network.eval()
    with torch.no_grad():
        assert torch.allclose(pooled(network(x)), network.fold()(x), atol=1e-4)


def test_unfolding_the_packaged_network_and_folding_again_changes_nothing() -> None:
    x = torch.randn(16, 3, 64, 64)
    network = TrainableEncoder()
    network.unfold(packaged(), x)
    network.eval()
    with torch.no_grad():
        wanted = packaged()(x)
        assert torch.allclose(pooled(network(x)), wanted, atol=1e-3 * float(wanted.abs().max()))
        assert torch.allclose(network.fold()(x), wanted, atol=1e-3 * float(wanted.abs().max()))


def test_packaging_keeps_float16(tmp_path: Path) -> None:
    network = packaged()
    write_packaged(network, tmp_path / "mini.safetensors")
    again = read_packaged(tmp_path / "mini.safetensors")
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor.half(), again.state_dict()[name].half())


def test_a_view_shows_the_box() -> None:
    picture = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    picture[:, :, 32:, 0] = 200  # the right half is red
    halves = [torch.tensor([[0.0, 0.0, 0.5, 1.0]]), torch.tensor([[0.5, 0.0, 1.0, 1.0]])]
    left, right = (student_view(picture, box, 32, torch.Generator().manual_seed(1))[0] for box in halves)
    assert left.shape == (1, 3, 32, 32)
    assert float(right[:, 0].mean()) > float(left[:, 0].mean()) + 0.5
    again, _ = student_view(picture, halves[0], 32, torch.Generator().manual_seed(1))
    assert torch.equal(left, again)


def test_parts_follow_a_mirrored_view() -> None:
    picture = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    picture[:, :, 32:] = 200  # the right half is bright
    bright = torch.tensor([[[0.0], [1.0], [0.0], [1.0]]])
    found = set()
    for seed in range(8):
        view, mirrored = student_view(picture, torch.tensor([[0.0, 0, 1, 1]]), 32, torch.Generator().manual_seed(seed))
        halves = view[0, 0, :, :16].mean(), view[0, 0, :, 16:].mean()
        assert bool(halves[0] > halves[1]) == bool(mirrored)
        left, right = mirror_parts(bright, mirrored)[0, :2, 0]
        assert bool(left > right) == bool(mirrored)
        found.add(bool(mirrored))
    assert found == {True, False}
    whole = torch.tensor([[[3.0, 4.0]]])
    assert torch.equal(mirror_parts(whole, torch.tensor([True])), whole)


@pytest.mark.parametrize("shape", [(8, 16, 3, 3), (40, 2, 3, 3)])
def test_muon_moves_a_kernel_as_far_in_every_direction(shape: tuple[int, ...]) -> None:
    kernel = torch.nn.Parameter(torch.randn(shape).contiguous(memory_format=torch.channels_last))
    before = kernel.detach().clone()
    optimizer = Muon([kernel], lr=0.01)
    kernel.grad = torch.randn(shape) * torch.logspace(0, -2, shape[0])[:, None, None, None]
    optimizer.step()
    moved = (before - kernel.detach()).flatten(1)
    values = torch.linalg.svdvals(moved) / (0.01 * 0.2 * max(moved.shape) ** 0.5)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.4


def test_muon_moves_a_matrix_as_torchs_does() -> None:
    kernel = torch.nn.Parameter(torch.ones(24, 9, 1, 1).contiguous(memory_format=torch.channels_last))
    matrix = torch.nn.Parameter(torch.ones(24, 9))
    theirs = torch.optim.Muon([matrix], lr=0.01, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    pairs = (kernel, Muon([kernel], lr=0.01)), (matrix, theirs)
    for _ in range(3):
        gradient = torch.randn(24, 9)
        for parameter, optimizer in pairs:
            parameter.grad = gradient.view(parameter.shape).clone()
            optimizer.step()
    moved, wanted = (parameter.detach().view(24, 9) - 1 for parameter, _ in pairs)
    assert (moved - wanted).norm() < 0.03 * wanted.norm()  # torch's is in bfloat16


def test_muon_never_trains_a_copy() -> None:
    with pytest.raises(RuntimeError, match="view"):
        Muon([torch.nn.Parameter(torch.randn(8, 16, 3, 3))], lr=0.01)


@torch.no_grad()
def test_loss_is_least_for_the_teachers_own_answers() -> None:
    heads = Distillation(torch.zeros(16), torch.nn.Linear(16, 5), 3)
    maps, labels = torch.randn(6, WIDTHS[-1], 2, 2), torch.tensor([0, 1, 2, -1, 0, 1])
    own = heads.feature(maps.flatten(2).transpose(1, 2))
    near, far = heads(maps, own, labels), heads(maps, -own, labels)
    for term in ("feature", "parts"):
        assert float(near[term]) < 1e-5
        assert float(far[term]) > 1.9
    assert set(near) == {"loss", "feature", "parts", "classes", "labels"}
    exchanged = heads(maps, own.flip(1), labels)
    assert float(exchanged["feature"]) < 1e-5  # the whole is the same, its parts are not where they were
    assert float(exchanged["parts"]) > 0.1


@torch.no_grad()
def test_loss_leaves_out_what_there_is_not() -> None:
    heads = Distillation(torch.zeros(16), None, 1)
    assert set(heads(torch.randn(2, 256, 3, 3), torch.randn(2, 1, 16), torch.tensor([-1, -1]))) == {"loss", "feature"}


def test_classifier_of_a_backbone() -> None:
    found = classifier("mobilenet_v2", "random")
    assert found is not None
    assert found.weight.shape == (1000, 1280)
    assert classifier("squeezenet1_1", "random") is None
    assert classifier("mini", None) is None


def test_teacher_answers_as_the_backbone_does(tiny_images: Path, tiny_model: imgsim.SimilarityModel) -> None:
    crops = np.random.default_rng(SEED).integers(0, 255, (3, 96, 96, 3), np.uint8)
    ours = Teacher("mini").features(crops).astype(np.float32)[:, 0]
    theirs = tiny_model.references.runtime()(crops)
    assert np.allclose(ours, theirs, atol=0.02 * np.abs(theirs).max())


class Averaging(torch.nn.Module):
    """A feature that is the mean of a map, as MobileNetV2's."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(3, 8, 8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x).mean((2, 3))


class Contrasting(Averaging):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x).amax((2, 3))


def mobilenet_v2() -> torch.nn.Module:
    return Averaging()


def test_teacher_tells_parts_where_its_feature_is_their_mean() -> None:
    crops = np.random.default_rng(SEED).integers(0, 255, (2, 64, 64, 3), np.uint8)
    teacher = Teacher(f"{__name__}:Averaging", None, 64)
    parts = teacher.features(crops).astype(np.float32)
    assert parts.shape == (2, 4, 8)
    x = torch.from_numpy(crops).permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor(teacher.spec.mean).view(3, 1, 1)) / torch.tensor(teacher.spec.std).view(3, 1, 1)
    with torch.no_grad():
        assert np.allclose(parts.mean(1), teacher.module(x), atol=0.01)
        assert np.allclose(parts[:, 1], teacher.module(x[:, :, :32, 32:]), atol=0.01)  # the upper right
    assert Teacher(f"{__name__}:Contrasting", None, 64).features(crops).shape == (2, 1, 8)
    assert Teacher("mobilenet_v2", "random", 64).features(crops).shape == (2, 4, 1280)


def test_batches_match_pictures_boxes_and_targets(photo_set: PhotoSet) -> None:
    batches = Batches([photo_set, photo_set], SEED)
    assert batches.classes == len(set(photo_set.labels))  # shared by name
    drawn = list(batches.draw(64))
    assert sum(len(group[0]) for group in drawn) == 64
    pixels, box, targets, labels = drawn[1]
    row = next(i for i in range(40) if (photo_set.pixels[i] == pixels[0]).all())
    view = next(v for v in range(2) if (photo_set.boxes[v, row] == box[0]).all())
    assert (photo_set.targets[view][row] == targets[0]).all()
    assert labels[0] == sorted(set(photo_set.labels)).index(photo_set.labels[row])


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(samples=96, batch=16, sizes=(32,), seed=SEED)


def _train(distiller: Distiller, checkpoint: Path) -> Iterator[dict[str, float]]:
    reports: list[dict[str, float]] = []
    run(distiller, checkpoint, reports.append, every=0)
    yield from reports


def test_training_learns(photo_set: PhotoSet, tmp_path: Path) -> None:
    distiller = Distiller([photo_set], None, Schedule(samples=480, batch=16, sizes=(32,)), torch.device("cpu"))
    losses = [values["loss"] for values in _train(distiller, tmp_path / "checkpoint.pt")]
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_resumed_training_equals_an_undisturbed_one(photo_set: PhotoSet, tmp_path: Path, schedule: Schedule) -> None:
    cpu = torch.device("cpu")
    whole = Distiller([photo_set], None, schedule, cpu)
    list(_train(whole, tmp_path / "whole.pt"))
    first = Distiller([photo_set], None, schedule, cpu)
    for _ in range(3):
        first.step()
    first.save(tmp_path / "checkpoint.pt")
    second = Distiller([photo_set], None, schedule, cpu, start=packaged())
    second.resume(tmp_path / "checkpoint.pt")
    list(_train(second, tmp_path / "checkpoint.pt"))
    assert second.samples == whole.samples == 96
    for ours, theirs in zip(second.packaged().parameters(), whole.packaged().parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_loss_that_is_no_number_ends_the_training_and_is_not_saved(photo_set: PhotoSet, tmp_path: Path) -> None:
    wild = Schedule(samples=4096, batch=16, sizes=(32,), lr=1e4, warmup=0)
    with pytest.raises(imgsim.ImgsimError, match=r"no longer a number .* lower --lr"):
        list(_train(Distiller([photo_set], None, wild, torch.device("cpu")), tmp_path / "checkpoint.pt"))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_packaged_weights_start_with_statistics_of_all_kinds_of_photos(photo_set: PhotoSet) -> None:
    cpu, schedule = torch.device("cpu"), Schedule(batch=32, sizes=(64,))
    sets = [replace(photo_set, rows=photo_set.rows[:1]), photo_set]  # a folder's first photos are alike
    network = Distiller(sets, None, schedule, cpu, start=packaged()).network
    x = Distiller([photo_set], None, replace(schedule, seed=1), cpu)._batch(64)[0]
    with torch.no_grad():
        found, wanted = network.train()(x).flatten(1), network.eval()(x).flatten(1)
    assert float(torch.nn.functional.cosine_similarity(found, wanted).mean()) > 0.95


def test_a_factory_is_its_own_teacher() -> None:
    assert Teacher(f"{__name__}:mobilenet_v2", None, 64).head is None  # not that of torchvision's
    with pytest.raises(imgsim.BackboneError, match="its own weights"):
        Teacher(f"{__name__}:mobilenet_v2", "weights.pth", 64)


def test_schedule() -> None:
    schedule = Schedule(samples=100, lr=1.0, warmup=0.1, sizes=(48, 64))
    assert schedule.rate(0.05) == pytest.approx(0.5)
    assert schedule.rate(0.1) == pytest.approx(1.0)
    assert schedule.rate(1.0) == pytest.approx(0.0)
    assert [schedule.size(share) for share in (0, 0.49, 0.5, 1)] == [48, 48, 64, 64]


@pytest.mark.slow
def test_processes_train_one_network(tiny_images: Path, tmp_path: Path) -> None:
    output, work = tmp_path / "mini.safetensors", tmp_path / "work"
    command = [str(tiny_images), "-o", str(output), "--teacher", "mini", "--views", "1", "--side", "32", "--no-mlflow"]
    command += ["--batch", "16", "--sizes", "32", "--work", str(work), "--device", "cpu"]
    kernels: list[torch.Tensor] = []
    for processes, samples in ((1, 256), (2, 512), (2, 768)):
        ran = CliRunner().invoke(app, [*command, "--samples", str(samples), "--processes", str(processes)])
        assert ran.exit_code == 0, ran.output
        one, other = (torch.load(work / f"checkpoint-{rank}.pt") for rank in (0, processes - 1))
        assert one["samples"] == other["samples"] == samples
        assert (one["batches"] != other["batches"]) == (processes == 2)
        for kind in ("network", "average"):
            assert all(torch.equal(one[kind][name], other[kind][name]) for name in one[kind])
        kernels.append(one["network"]["blocks.8.convolution.weight"])
    for before, after in pairwise(kernels):
        assert (after - before).norm() < 0.2 * before.norm()  # nobody began from chance
    packed = read_packaged(output).state_dict()
    assert not any(torch.equal(packed[name], tensor) for name, tensor in packaged().state_dict().items())
    refused = CliRunner().invoke(app, [*command, "--seed", "1", "--processes", "2"])
    assert str(refused.exception).startswith(f"{work}/checkpoint-0.pt is of other photos")  # one line, no traceback
    assert not list(work.glob(".meeting*"))


def test_a_checkpoint_of_other_photos_is_refused(photo_set: PhotoSet, tmp_path: Path, schedule: Schedule) -> None:
    cpu = torch.device("cpu")
    Distiller([photo_set], None, schedule, cpu).save(tmp_path / "checkpoint.pt")
    with pytest.raises(imgsim.ImgsimError, match="other photos"):
        Distiller([photo_set, photo_set], None, schedule, cpu).resume(tmp_path / "checkpoint.pt")


def test_several_processes_are_for_a_cpu(tmp_path: Path) -> None:
    task = Task([], tmp_path / "o", "mini", None, None, tmp_path, 1, 32, Schedule(), None, "cuda", mlflow=False)
    with pytest.raises(imgsim.ImgsimError, match="one trains on cuda"):
        task.run(processes=2)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--sizes", "48,0"], "32 or more"),
        (["--sizes", "many"], "no list of pixels"),
        (["--minutes", "0"], "no limit"),
        (["--minutes", "nan"], "no limit"),
        (["-o", "."], "cannot be written"),
        (["--start", "nosuch.safetensors"], "nosuch.safetensors"),
    ],
)
def test_what_cannot_end_well_is_refused_before_anything_is_asked(
    tiny_images: Path, tmp_path: Path, options: list[str], reason: str
) -> None:
    command = [str(tiny_images), "-o", str(tmp_path / "o"), "--work", str(tmp_path / "work"), "--teacher", "mini"]
    ran = CliRunner().invoke(app, [*command, *options])
    assert ran.exit_code
    assert reason in f"{ran.output} {ran.exception}"
    assert not (tmp_path / "work").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("mlflow_home")
def test_command(tiny_images: Path, tmp_path: Path) -> None:
    output = tmp_path / "mini.safetensors"
    command = [str(tiny_images), "-o", str(output), "--teacher", "mini", "--views", "1", "--side", "32"]
    command += ["--batch", "16", "--sizes", "32", "--work", str(tmp_path / "work"), "--device", "cpu"]
    first = CliRunner().invoke(app, [*command, "--samples", "64"])
    assert first.exit_code == 0, first.output
    assert output.stat().st_size < 5_000_000
    second = CliRunner().invoke(app, [*command, "--samples", "128"])
    assert "going on from" in second.output
    assert '"samples": 128' in second.output
    model = imgsim.create(tiny_images, backbone="mini", weights=output, progress=False)
    assert np.isfinite(model.embeddings).all()

    import mlflow

    def runs() -> list[mlflow.entities.Run]:
        return mlflow.search_runs(experiment_names=["imgsim-encoder"], output_format="list")  # type: ignore[return-value]

    (run,) = runs()
    assert run.data.metrics["loss"] > 0
    assert (run.data.params["samples"], run.data.tags["samples from 64 samples"]) == ("64", "128")
    assert [file.path for file in mlflow.MlflowClient().list_artifacts(run.info.run_id)] == [output.name]
    third = CliRunner().invoke(app, [*command, "--samples", "128"])
    assert "nothing is left to train" in third.output
    for checkpoint in (tmp_path / "work").glob("checkpoint*"):
        checkpoint.unlink()
    assert CliRunner().invoke(app, [*command, "--samples", "16"]).exit_code == 0
    assert len(runs()) == 2  # another training, another run
