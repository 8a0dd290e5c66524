import json

import numpy as np
import pytest

import imgsim
import imgsim.features.choose_precision as choosing
from imgsim.backbones.openvino_runtime import bf16_obstacle
from imgsim.backbones.spec import BF16, FP32
from imgsim.features.choose_precision import Comparison, choose_precision, compare, run_in_turn
from imgsim.features.distribute import extract_by
from imgsim.features.extract import Features
from imgsim.workers import Processes

needs_bf16 = pytest.mark.skipif(bool(bf16_obstacle()), reason=f"no bf16: {bf16_obstacle()}")
GOOD = Comparison(pictures=64, cosine=0.9995, overlap=0.97, loss=0.0, loss_error=0.001, speedup=1.8)


def choose(images, store, device="cpu"):
    backbone = imgsim.get_backbone("mini")
    onnx = imgsim.features.extract.export_once(backbone, store)
    return choose_precision(images, backbone, store, device, onnx)


@pytest.fixture
def store(tmp_path, tiny_model, tiny_store):
    """An empty store that already has the exported network."""
    import shutil

    shutil.copytree(tiny_store.root / "backbones", tmp_path / "store" / "backbones")
    return imgsim.FeatureStore(tmp_path / "store")


@pytest.fixture
def images(tiny_images):
    return imgsim.load_images(tiny_images)


@pytest.fixture
def small_is_worth_it(monkeypatch):
    monkeypatch.setattr(choosing, "WORTH_IT", 1)
    monkeypatch.setattr(choosing, "bf16_obstacle", lambda: "")


@pytest.fixture
def engines(monkeypatch):
    """Put another engine in OpenVINO's place: a function of pixels and of the right features."""

    def use(change):
        def make(backbone, onnx, device):
            exact = imgsim.backbones.runtime.OnnxRuntime(onnx)
            if backbone.spec.precision == FP32:
                return lambda pixels: exact(np.concatenate([pixels] * 4))[:1]  # so that the other one is faster
            return lambda pixels: change(exact(pixels))

        monkeypatch.setattr(choosing, "make_runtime", make)

    return use


class TestVerdict:
    def test_a_faster_one_with_the_same_neighbours_is_taken(self):
        assert GOOD.precision == BF16
        assert GOOD.reason == (
            "bf16 on 64 pictures: 1.8 x as fast, cosine 0.9995, 97% of neighbours the same, precision@10 -0.000 ± 0.001"
        )

    @pytest.mark.parametrize(
        ("worse", "why"),
        [
            ({"cosine": 0.98}, "its cosine is below 0.99"),
            ({"cosine": float("nan")}, "its cosine is below 0.99"),
            ({"loss": 0.0031}, "it loses more than 0.002 of precision@10"),
            ({"overlap": 0.89}, "less than 90% of its neighbours are the same"),
            ({"loss": None, "overlap": 0.89}, "less than 90% of its neighbours are the same"),
            ({"speedup": 1.05}, "it is not faster"),
        ],
    )
    def test_one_objection_is_enough_and_is_told(self, worse, why):
        found = Comparison(**{**GOOD.__dict__, **worse})
        assert found.precision == FP32
        assert found.reason.endswith(f"; {why}")

    @pytest.mark.parametrize("loss", [-0.01, 0.0029])
    def test_a_gain_or_a_loss_within_its_error_is_no_objection(self, loss):
        assert Comparison(**{**GOOD.__dict__, "loss": loss}).precision == BF16


class TestComparison:
    def test_against_itself(self, rng):
        features = rng.random((40, 16), np.float32)
        found = compare((features, 2.0), (features.copy(), 1.0), ["a", "b"] * 20)
        assert (found.pictures, found.overlap, found.loss, found.speedup) == (40, 1.0, 0.0, 2.0)
        assert found.cosine == pytest.approx(1)

    def test_loss_counts_labels_that_occur_twice_and_needs_one(self, rng):
        good = np.repeat(np.eye(4, 16, dtype=np.float32), 11, 0) + 0.01 * rng.random((44, 16), np.float32)
        labels = [name for name in "abcd" for _ in range(11)]
        bad = rng.random((44, 16), np.float32)
        found = compare((good, 1.0), (bad, 1.0), labels)
        assert found.loss > 0.5
        assert 0.005 < found.loss_error < 0.05
        assert found.precision == FP32
        assert compare((good, 1.0), (bad, 1.0), [None] * 44).loss is None
        assert compare((good, 1.0), (bad, 1.0), [*labels[:-1], None]).loss > 0.5

    def test_features_that_are_no_numbers_are_an_objection(self, rng):
        features = rng.random((40, 16), np.float32)
        assert compare((features, 2.0), (np.full_like(features, np.nan), 1.0), [None] * 40).precision == FP32

    def test_networks_take_turns(self, monkeypatch):
        monkeypatch.setattr(choosing, "IN_A_ROW", 2)
        order = []
        pixels = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2, 3)]

        def network(name):
            return lambda batch: order.append(f"{name}{batch[0, 0, 0, 0]}") or batch.reshape(1, -1).astype(np.float32)

        (first, _), (second, _) = run_in_turn([network("a"), network("b")], pixels)
        assert " ".join(order) == "a1 a1 a2 b1 b1 b2 a3 a3 b3 b3"
        assert np.array_equal(first, second)
        assert first[:, 0].tolist() == [1, 2, 3]


class TestChoice:
    def test_too_few_images(self, images, store, monkeypatch):
        monkeypatch.setattr(choosing, "bf16_obstacle", lambda: "")
        precision, why = choose(images, store)
        assert precision == FP32
        assert why.startswith("with 40 images to compute")

    def test_a_machine_without_bf16(self, images, store, monkeypatch):
        monkeypatch.setattr(choosing, "bf16_obstacle", lambda: "no such processor")
        assert choose(images, store) == (FP32, "no such processor")

    def test_a_network_without_onnx(self, images, store):
        assert choose_precision(images, imgsim.get_backbone("mini"), store, "cpu", None) == (
            FP32,
            "mini has no ONNX form",
        )

    @pytest.mark.usefixtures("small_is_worth_it")
    def test_an_engine_that_keeps_the_neighbours_is_taken(self, images, store, engines):
        engines(lambda features: features * np.float32(1.001))
        precision, why = choose(images, store)
        assert precision == BF16
        assert why.startswith("bf16 on 40 pictures: ")

    @pytest.mark.usefixtures("small_is_worth_it")
    @pytest.mark.parametrize(
        "change",
        [
            lambda features: features[:, ::-1],
            lambda features: features * np.nan,
            lambda features: np.round(features / features.max(), 1),
        ],
        ids=["shuffled", "no numbers", "coarse"],
    )
    def test_a_bad_engine_is_not_taken(self, images, store, engines, change):
        engines(change)
        precision, why = choose(images, store)
        assert precision == FP32
        assert "; " in why

    @pytest.mark.usefixtures("small_is_worth_it")
    def test_an_engine_that_fails_is_not_taken(self, images, store, monkeypatch):
        def fail(*_):
            raise imgsim.BackboneError("it cannot run here")

        monkeypatch.setattr(choosing, "make_runtime", fail)
        assert choose(images, store) == (FP32, "it cannot run here")

    @pytest.mark.usefixtures("small_is_worth_it")
    def test_pictures_that_cannot_be_decoded_are_left_to_the_extraction(self, tiny_images, tmp_path, store, engines):
        import shutil

        engines(lambda features: features)
        shutil.copytree(tiny_images, tmp_path / "copy")
        for path in sorted((tmp_path / "copy").rglob("*.jpg"))[:3]:
            path.write_bytes(path.read_bytes()[:-400])
        precision, why = choose(imgsim.load_images(tmp_path / "copy"), store)
        assert (precision, why[:20]) == (BF16, "bf16 on 37 pictures:")

    @pytest.mark.usefixtures("small_is_worth_it")
    def test_stored_features_decide(self, images, store, tiny_store, engines):
        engines(lambda features: features)
        assert choose(images, tiny_store) == (FP32, "40 of 40 features are stored in it")
        spec = imgsim.get_backbone("mini").spec
        rows = {key: np.ones(2304, np.float32) for key in images.sha256}
        formats = dict.fromkeys(rows, "JPEG")
        some = dict(list(rows.items())[:7])
        store.write(spec.fingerprint, some, {}, {}, formats)
        assert choose(images, store) == (FP32, "7 of 40 features are stored in it")
        store.write(spec.in_precision(BF16).fingerprint, rows, {}, {}, formats)
        assert choose(images, store) == (BF16, "40 of 40 features are stored in it")

    def test_an_unknown_precision_is_refused_before_any_work(self, images, store):
        for call in (
            lambda: imgsim.extract_features(images, imgsim.get_backbone("mini"), store, precision="int8"),
            lambda: extract_by(None, images, imgsim.get_backbone("mini"), store, precision="int8"),
            lambda: imgsim.create(images, store=store, precision="int8"),
        ):
            with pytest.raises(imgsim.ArgumentError, match="precision must be one of fp32, bf16, auto"):
                call()


@needs_bf16
class TestFeatures:
    def test_both_precisions_are_stored_apart(self, images, store):
        backbone = imgsim.get_backbone("mini")
        exact = imgsim.extract_features(images, backbone, store)
        rounded = imgsim.extract_features(images, backbone, store, precision="bf16")
        assert rounded.stats["computed"] == len(images)
        assert rounded.fingerprint == f"{exact.fingerprint}-bf16"
        assert rounded.digest != exact.digest
        assert not np.array_equal(rounded.matrix, exact.matrix)
        again = [imgsim.extract_features(images, backbone, store, precision=name) for name in ("fp32", "bf16", "auto")]
        assert [features.stats["computed"] for features in again] == [0, 0, 0]
        assert np.array_equal(again[0].matrix, exact.matrix)
        assert np.array_equal(again[1].matrix, rounded.matrix)
        assert np.array_equal(again[2].matrix, exact.matrix)
        assert again[2].precision_reason == "40 of 40 features are stored in it"

    def test_the_reason_is_saved_with_the_features(self, images, store, tmp_path):
        features = imgsim.extract_features(images, imgsim.get_backbone("mini"), store, precision="auto")
        features.save(tmp_path / "saved")
        assert Features.load(tmp_path / "saved", store).precision_reason == features.precision_reason != ""
        notes = json.loads((tmp_path / "saved" / "features.json").read_text())
        (tmp_path / "saved" / "features.json").write_text(
            json.dumps({k: v for k, v in notes.items() if k != "precision"})
        )
        assert Features.load(tmp_path / "saved", store).precision_reason == ""

    @pytest.mark.slow
    def test_workers_compute_in_bf16_too(self, images, store, tmp_path):
        backbone = imgsim.get_backbone("mini")
        here = imgsim.extract_features(images[:9], backbone, store, precision="bf16")
        other = imgsim.FeatureStore(tmp_path / "other")
        found = extract_by(Processes(2), images[:9], backbone, other, piece=4, precision="bf16")
        assert np.array_equal(found.matrix, here.matrix)
        assert found.fingerprint == here.fingerprint
