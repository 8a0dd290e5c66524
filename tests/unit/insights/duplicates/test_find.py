from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

import imgsim
from imgsim.decoding.decode import decode
from imgsim.insights.duplicates.find import TABLES, find_duplicates
from imgsim.insights.duplicates.look_alikes import calibrated_threshold, look_alikes
from imgsim.insights.measures import measure_traits
from imgsim.insights.quality import image_quality
from tests.benchmarks.planted import COPIES, MUST_BE_FOUND, ON_REQUEST, jpeg, plant
from tests.sample_images import ALL, copy_sample

BLANKS, PAGES, TWINS = 60, 20, 14


def blank(number: int) -> Image.Image:
    """A sheet of one colour, a little darker to one side, with noise: thousands of these are no duplicates."""
    rng = np.random.default_rng(number)
    shade = np.linspace(0, 30 * (number % 2), 120)[None, :, None]
    return Image.fromarray(np.clip(rng.normal(220, 2, (90, 120, 3)) - shade, 0, 255).astype(np.uint8))


def page(number: int) -> Image.Image:
    """Lines of text in one layout: alike from afar, and never the same page."""
    rng = np.random.default_rng(1000 + number)
    sheet = Image.new("RGB", (150, 200), "white")
    draw = ImageDraw.Draw(sheet)
    for line in range(12):
        words = "".join(rng.choice(list("abcdefghijklmnop     "), 26))
        draw.text((8, 8 + 15 * line), words, fill="black", font_size=11)
    return sheet


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> tuple[imgsim.SimilarityModel, pd.DataFrame]:
    """Sample pictures in every kind of copy, blank sheets, pages, and one file 14 times; what each row is."""
    folder = tmp_path_factory.mktemp("planted")
    source = copy_sample(folder / "sample", views=2, kinds=ALL)
    originals = sorted(source.rglob("*.jpg"))
    rows = [(path, i, "original") for i, path in enumerate(originals)]
    rows += plant(originals, folder / "copies", COPIES)
    extra = folder / "extra"
    extra.mkdir()
    made = [("blank", jpeg(blank(i), 80)) for i in range(BLANKS)] + [("page", jpeg(page(i))) for i in range(PAGES)]
    made += [("twin", originals[0].read_bytes())] * TWINS
    for i, (kind, data) in enumerate(made):
        path = extra / f"{i:03d}.jpg"
        path.write_bytes(data)
        rows.append((path, 0 if kind == "twin" else 1000 + i, kind))
    store = imgsim.FeatureStore(folder / "store")
    model = imgsim.create(
        imgsim.load_images([str(path) for path, _, _ in rows]), store=store, backbone="mini", progress=False
    )
    assert len(model) == len(rows)
    return model, pd.DataFrame(rows, columns=["path", "number", "kind"])


@pytest.fixture(scope="module")
def traits(planted):
    return measure_traits(planted[0])


@pytest.fixture(scope="module")
def plain(planted, traits):
    return find_duplicates(planted[0], traits)


@pytest.fixture(scope="module")
def turned(planted, traits):
    return find_duplicates(planted[0], traits, flips=True, rotations=True)


def together(truth: pd.DataFrame, groups: pd.DataFrame, kind: str) -> float:
    """Share of copies in one group of the same picture with the original, counting twins as the file they are."""
    group = pd.Series(-1, index=truth.index)
    group[groups["row"]] = groups["group"].to_numpy()
    first = truth[truth["kind"].isin(("original", "twin"))].assign(group=group).groupby("number")["group"].max()
    mine = truth[truth["kind"] == kind]
    return float(((group[mine.index] >= 0) & (group[mine.index] == first[mine["number"]].to_numpy())).mean())


def of_tier(found, tier: str) -> pd.DataFrame:
    groups = found.tables["groups"]
    return groups[groups["tier"] == tier]


@pytest.mark.parametrize("kind", MUST_BE_FOUND)
def test_re_encoded_resized_and_exif_rotated_copies_are_the_same_picture(planted, plain, kind):
    assert together(planted[1], of_tier(plain, "same_picture"), kind) >= 0.95


@pytest.mark.parametrize("kind", ON_REQUEST)
def test_turned_copies_are_the_same_picture_on_request_only(planted, plain, turned, kind):
    assert together(planted[1], of_tier(turned, "same_picture"), kind) >= 0.95
    assert together(planted[1], of_tier(plain, "same_picture"), kind) < 0.3, "a few pictures are symmetric"


def test_different_pictures_are_never_the_same_picture(planted, plain, turned):
    for found in (plain, turned):
        numbers = of_tier(found, "same_picture").join(planted[1]["number"], on="row").groupby("group")["number"]
        assert (numbers.nunique() == 1).mean() >= 0.99
        assert numbers.ngroups >= 40


def test_blank_sheets_and_pages_are_left_alone(planted, plain):
    rows = planted[1][planted[1]["kind"] == "blank"].index
    assert not plain.tables["groups"]["row"].isin(rows).any()
    assert plain.metrics["blank"] >= BLANKS
    pages = planted[1][planted[1]["kind"] == "page"].index
    assert not of_tier(plain, "same_picture")["row"].isin(pages).any()


def test_same_bytes_are_one_group_and_do_not_crowd_out_other_copies(planted, plain):
    same = of_tier(plain, "same_bytes")
    assert len(same) == TWINS + 1
    assert same["keep"].sum() == 1
    kept = same[same["keep"]]["row"].item()
    mates = of_tier(plain, "same_picture")
    mates = mates[mates["group"] == mates[mates["row"] == kept]["group"].item()]
    assert set(MUST_BE_FOUND) <= set(planted[1]["kind"][mates["row"]])


def test_tiers_are_never_mixed(plain):
    groups = plain.tables["groups"]
    assert groups.groupby("group")["tier"].nunique().max() == 1
    assert not groups.duplicated(["tier", "row"]).any()
    assert (groups.groupby("group")["keep"].sum() == 1).all()
    gone = set(of_tier(plain, "same_bytes").query("not keep")["row"])
    assert not gone & set(of_tier(plain, "same_picture")["row"])
    gone |= set(of_tier(plain, "same_picture").query("not keep")["row"])
    assert not gone & set(of_tier(plain, "look_alike")["row"])


def test_look_alikes_are_within_the_threshold_of_one_member(planted, plain):
    threshold = plain.metrics["threshold"]
    for _, rows in of_tier(plain, "look_alike").groupby("group")["row"]:
        vectors = planted[0].embeddings[rows]
        distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
        assert distances.max(axis=1).min() <= threshold + 1e-5


def test_groups_at_another_threshold_come_from_the_stored_pairs(planted, traits, plain):
    references = copy(planted[0].references)
    references.insights = {"duplicates": plain, "quality": image_quality(references, traits)}
    again = look_alikes(references)
    mine = of_tier(plain, "look_alike").reset_index(drop=True)
    assert again.drop(columns="group").equals(mine.drop(columns="group"))
    wider = look_alikes(references, plain.metrics["bound"])
    asked = of_tier(find_duplicates(references, traits, threshold=plain.metrics["bound"]), "look_alike")
    assert wider.drop(columns="group").equals(asked.reset_index(drop=True).drop(columns="group"))
    assert len(wider) > len(again)
    assert look_alikes(references, 0.0).empty


def test_tables_have_their_schemas_and_the_insight_can_be_saved(plain, turned, tmp_path):
    for name, table in plain.tables.items():
        assert list(table.columns) == TABLES[name].names
    assert set(turned.tables["pairs"]["turn"]) >= {"upright", "mirrored", "rotated 90"}
    plain.save(tmp_path)
    assert type(plain).load(tmp_path, "duplicates", TABLES).digest == plain.digest


def test_equal_calls_give_equal_results(planted, traits, plain):
    assert find_duplicates(planted[0], traits).digest == plain.digest


def test_kept_has_most_pixels(plain):
    groups = of_tier(plain, "same_picture").assign(pixels=lambda table: table["width"] * table["height"])
    most = groups.groupby("group")["pixels"].transform("max")
    assert (groups["pixels"] == most)[groups["keep"]].all()


def test_vectors_alone_have_look_alikes_only(rng):
    matrix = rng.standard_normal((300, 16)).astype(np.float32)
    matrix[7] = matrix[100] + 1e-3
    model = imgsim.create(embeddings=matrix, progress=False)
    found = find_duplicates(model, measure_traits(model))
    assert found.tables["groups"]["row"].tolist()[:2] == [7, 100]
    assert len(found.tables["groups"]) < 10
    assert set(found.tables["groups"]["tier"]) == {"look_alike"}
    assert found.metrics["same_bytes_groups"] == 0


def test_one_image_and_no_pairs(rng):
    model = imgsim.create(embeddings=rng.random((1, 4), np.float32), progress=False)
    found = find_duplicates(model, measure_traits(model), flips=True)
    assert found.tables["groups"].empty
    assert found.tables["pairs"].empty
    assert found.metrics["threshold"] == 0


def test_bad_arguments_are_refused(planted, traits, tiny_model):
    with pytest.raises(imgsim.ArgumentError, match="threshold"):
        find_duplicates(planted[0], traits, threshold=-1)
    with pytest.raises(imgsim.ModelFormatError, match="measure them again"):
        find_duplicates(tiny_model, traits)


def test_threshold_is_three_robust_deviations_below_the_median():
    distances = np.exp(np.linspace(-1, 1, 101))
    near = pd.DataFrame({"row": np.arange(101), "other": np.arange(101) + 1000, "distance": distances})
    assert calibrated_threshold(near) == pytest.approx(np.exp(-3 * 1.4826 * 0.5), rel=1e-6)


def test_planted_copies_are_what_they_say(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(page(1)))
    sizes = {kind: decode(made.read_bytes()).shape for made, _, kind in plant([Path(path)], tmp_path / "made", COPIES)}
    assert sizes["rotate_90_exif"] == sizes["mirror"] == (200, 150, 3)
    assert sizes["rotate_90_pixels"] == (150, 200, 3)
    assert sizes["resize_half"] == (100, 75, 3)
