import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import imgsim
from imgsim.decoding.decode import decode, thumbnail
from imgsim.insights.duplicates.cleanup import plan_table
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.duplicates.full_size import is_copy
from imgsim.insights.measures import measure_traits
from tests.benchmarks.documents import DOCUMENTS, SAVED, form
from tests.benchmarks.planted import jpeg

LAYOUTS, NUMBERS = 2, 3


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, int], list[Image.Image]]:
    return {
        (name, layout): [draw(layout, i) for i in range(NUMBERS)]
        for name, draw in DOCUMENTS.items()
        for layout in range(LAYOUTS)
    }


def verdicts(pairs) -> list[bool]:
    """Compare (picture, file) pairs."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda pair: is_copy(np.asarray(pair[0]), decode(pair[1]), True), pairs))


def test_documents_that_differ_in_a_number_a_word_or_a_line_are_never_the_same(documents):
    """330 pairs; those of different sizes are left to the measurement in `tests.benchmarks.duplicates`."""
    saved = {"png": None, **SAVED}
    pairs = {
        (*key, a, b, how): (images[a], SAVED[how](images[b]))
        for key, images in documents.items()
        for a, b in combinations(range(NUMBERS), 2)
        for how in SAVED
    }
    assert len(pairs) == len(DOCUMENTS) * LAYOUTS * NUMBERS * (len(saved) - 1) == 330
    wrong = [key for key, same in zip(pairs, verdicts(pairs.values()), strict=True) if same]
    assert len(wrong) <= 0.001 * len(pairs), wrong


@pytest.mark.parametrize("how", SAVED)
def test_a_document_saved_again_is_the_same(documents, how):
    pairs = [(images[0], SAVED[how](images[0])) for images in documents.values()]
    assert np.mean(verdicts(pairs)) >= 0.95


@pytest.fixture(scope="module")
def forms(tmp_path_factory, tiny_store):
    """Ten forms with other numbers; copies of the first, in three sizes; one that is too small to be read."""
    root = tmp_path_factory.mktemp("forms")
    for number in range(10):
        form(3, number).save(root / f"{number}.png")
    first, second = form(3, 0), form(3, 1)
    (root / "0 as jpeg.jpg").write_bytes(jpeg(first, 85))
    (root / "0 smaller.jpg").write_bytes(SAVED["resize_70"](first))
    (root / "1 tiny.jpg").write_bytes(jpeg(second.resize((80, 113), Image.Resampling.LANCZOS)))
    model = imgsim.create(root, store=tiny_store, backbone="mini", progress=False)
    return root, model, measure_traits(model)


def moved(found) -> set[str]:
    plan = plan_table(found)
    return set(plan["path"][plan["action"] == "move"])


def test_the_plan_moves_copies_of_a_form_and_no_other_form(forms):
    found = find_duplicates(*forms[1:])
    assert moved(found) == {"0 as jpeg.jpg", "0 smaller.jpg"}
    assert found.metrics["unchecked"] == 0


def test_without_the_files_forms_are_not_compared_and_the_folder_brings_them_back(forms, tmp_path):
    root, model, traits = forms
    model.save(tmp_path / "m")
    loaded = imgsim.load_model(tmp_path / "m").references
    found = find_duplicates(loaded, traits)
    assert moved(found) == set()
    assert found.metrics["unchecked"] > 0
    assert moved(find_duplicates(loaded, traits, root=root)) == {"0 as jpeg.jpg", "0 smaller.jpg"}


def test_a_file_that_changed_is_not_compared(forms, tmp_path):
    root, model, traits = forms
    shutil.copytree(root, tmp_path / "changed")
    (tmp_path / "changed" / "0.png").write_bytes(jpeg(form(3, 0), 40))
    assert "0 as jpeg.jpg" in moved(find_duplicates(model, traits))
    found = find_duplicates(model, traits, root=tmp_path / "changed")
    assert found.metrics["unchecked"] > 0
    assert not found.tables["pairs"].query("tier == 'same_picture'")["path"].eq("0.png").any()


def test_photographs_are_the_same_by_their_thumbnails_where_files_are_gone(tmp_path, tiny_store, rng):
    noise = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((400, 300), Image.Resampling.BICUBIC)
    other = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((400, 300), Image.Resampling.BICUBIC)
    for name, data in {"a.jpg": jpeg(noise), "b.jpg": jpeg(noise, 50), "c.jpg": jpeg(other)}.items():
        (tmp_path / name).write_bytes(data)
    model = imgsim.create(tmp_path, store=tiny_store, backbone="mini", progress=False)
    traits = measure_traits(model)
    for path in tmp_path.glob("*.jpg"):
        path.unlink()
    assert moved(find_duplicates(model, traits)) == {"b.jpg"}


def swatch(*color: int) -> Image.Image:
    image = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle([30, 30, 270, 220], fill=color)
    draw.text((60, 240), "paint", fill="black", font_size=30)
    return image


@pytest.mark.parametrize("how", SAVED)
def test_colours_of_a_chart_are_different_pictures_and_one_saved_again_is_the_same(how):
    colors = [(200, 80, 30), (200, 90, 30), (80, 80, 80), (96, 96, 96)]
    pictures = [swatch(*color) for color in colors]
    assert verdicts([(picture, SAVED[how](picture)) for picture in pictures]) == [True] * 4
    assert verdicts([(a, SAVED[how](b)) for a, b in combinations(pictures, 2)]) == [False] * 6


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 300), (9, 9)])
def test_pictures_of_any_size_can_be_compared(rng, shape):
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)
    assert is_copy(picture, picture, True)
    assert is_copy(picture, np.asarray(Image.fromarray(picture)), False)
    assert thumbnail(picture)
