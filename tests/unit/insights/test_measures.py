from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

import imgsim
from imgsim.columns.texts import Texts
from imgsim.decoding.decode import thumbnail
from imgsim.features.store import FeatureStore
from imgsim.insights.measures import Traits, measure_traits


class Thumbnails:
    """A model as far as traits need it."""

    def __init__(self, *data: bytes | None) -> None:
        names, formats = [f"{i:064x}" for i in range(len(data))], ["JPEG"] * len(data)
        self.images = SimpleNamespace(sha256=Texts(names), column={"format": formats}.__getitem__)
        self.data = data
        self.asked: list[int] = []

    def thumbnails(self, rows):
        self.asked += list(rows)
        return [self.data[row] for row in rows]

    def __len__(self) -> int:
        return len(self.data)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8))
    return coarse.resize((160, 120), Image.Resampling.NEAREST)


def measures(*pictures: Image.Image):
    return measure_traits(Thumbnails(*(thumbnail(picture) for picture in pictures))).measures


def test_measures_mean_what_they_say(photo):
    blurred = photo.filter(ImageFilter.GaussianBlur(3))
    dark = Image.eval(photo, lambda v: v // 8)
    grey = photo.convert("L").convert("RGB")
    m = measures(photo, blurred, dark, grey, Image.new("RGB", (40, 30), (128, 128, 128)))
    assert m["sharpness"][0] > 1.3
    assert m["sharpness"][1] < 0.8
    assert m["highlights"][2] < 32 < m["highlights"][0]
    assert m["brightness"][4] == 128
    assert m["entropy"][4] == pytest.approx(0, abs=1e-6)
    assert not np.signbit(m["entropy"][4])
    assert m["contrast"][4] == 0
    assert np.isnan(m["sharpness"][4])
    assert m["colorfulness"][3] < 1 < m["colorfulness"][0]
    light = np.asarray(photo.convert("L"), float)
    assert m["contrast"][0] == pytest.approx(light.std(), rel=0.02)
    assert m["shadows"][0] == pytest.approx(np.percentile(light, 5), abs=4)


@pytest.mark.parametrize("size", [(1, 1), (2, 160), (160, 1)])
def test_pictures_of_a_few_pixels_have_traits(size):
    m = measures(Image.new("RGB", size, (10, 200, 30)))
    assert m["contrast"][0] == pytest.approx(0, abs=1)


def test_rows_without_thumbnail_are_unknown(photo):
    traits = measure_traits(Thumbnails(None, thumbnail(photo)))
    assert traits.known.tolist() == [False, True]
    assert traits.measures.iloc[0].isna().all()
    assert not traits.descriptors[0].any()


def test_the_store_keeps_them_by_content(photo, tmp_path):
    store = FeatureStore(tmp_path)
    model = Thumbnails(thumbnail(photo), None, thumbnail(photo.rotate(30)))
    first = measure_traits(model, store)
    assert model.asked == [0, 1, 2]
    again = measure_traits(model, store)
    assert model.asked == [0, 1, 2, 1], "only what is not stored is looked at again"
    assert again.digest == first.digest


def test_saved_traits_come_back_equal(tiny_model, tmp_path):
    traits = measure_traits(tiny_model)
    assert len(traits) == len(tiny_model)
    assert traits.known.all()
    traits.save(tmp_path)
    assert Traits.load(tmp_path).digest == traits.digest
    (tmp_path / "traits.parquet").write_bytes(b"no")
    with pytest.raises(imgsim.ModelFormatError, match=r"traits\.parquet"):
        Traits.load(tmp_path)


def test_a_model_of_vectors_has_no_traits(rng):
    model = imgsim.create(embeddings=rng.random((5, 4), np.float32), progress=False)
    assert not measure_traits(model).known.any()
