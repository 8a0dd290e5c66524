import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import imgsim
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.duplicates.leaks import TABLES, find_leaks
from imgsim.insights.measures import measure_traits
from imgsim.insights.registry import load_insight
from imgsim.references.insight import Insight


@pytest.fixture(scope="module")
def collection(tiny_images: Path, tmp_path_factory) -> Path:
    """Four pictures in train, of which one lies in val and test too, and one in test in other bytes."""
    root = tmp_path_factory.mktemp("splits")
    source = sorted(tiny_images.rglob("*.jpg"))[::4]
    for name, chosen in {"Train/a": source[:4], "x/validation": source[4:7], "test": source[7:10]}.items():
        (root / name).mkdir(parents=True)
        for path in chosen:
            shutil.copyfile(path, root / name / path.name)
    shutil.copyfile(source[0], root / "x/validation/bytes.jpg")
    shutil.copyfile(source[0], root / "test/bytes.jpg")
    Image.open(source[1]).save(root / "test/picture.jpg", quality=50)
    shutil.copyfile(source[2], root / "test/of no split.jpg")
    (root / "other").mkdir()
    (root / "test/of no split.jpg").rename(root / "other/of no split.jpg")
    return root


@pytest.fixture(scope="module")
def found(collection, tiny_store):
    model = imgsim.create(collection, store=tiny_store, backbone="mini", progress=False)
    return model, find_duplicates(model, measure_traits(model))


def triples(leaks: Insight) -> set[tuple[str, str, str]]:
    pairs = leaks.tables["pairs"]
    return set(zip(pairs["path"], pairs["other_split"], pairs["tier"], strict=True))


def test_leaks_between_folders(found):
    leaks = find_leaks(*found)
    assert triples(leaks) == {
        ("x/validation/bytes.jpg", "train", "same_bytes"),
        ("test/bytes.jpg", "train", "same_bytes"),
        ("test/bytes.jpg", "val", "same_bytes"),
        ("test/picture.jpg", "train", "same_picture"),
    }
    counts = leaks.tables["counts"].set_index(["split", "other_split", "tier"])
    assert counts["images"].to_dict()["test", "train", "same_picture"] == 1
    assert counts["images"].sum() == 4
    assert counts["share"]["val", "train", "same_bytes"] == pytest.approx(1 / 4)
    assert leaks.metrics == {"splits": 3, "images": 3}
    assert leaks.params["splits"] == ["train", "val", "test"]
    assert "note" not in leaks.params


def test_splits_by_value_and_by_column(found):
    model, duplicates = found
    values = ["b" if path.startswith("test") else "a" for path in model.images.paths]
    leaks = find_leaks(model, duplicates, split=values)
    assert triples(leaks) == {("test/bytes.jpg", "a", "same_bytes"), ("test/picture.jpg", "a", "same_picture")}
    by_label = find_leaks(model, duplicates, split="label")
    assert by_label.params["splits"] == ["test", "a", "other", "validation"]
    assert ("other/of no split.jpg", "a", "same_bytes") in triples(by_label)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_splits_by_a_column_of_the_source(collection, tiny_store, tmp_path, suffix):
    paths = sorted(str(path) for path in collection.rglob("*.jpg"))
    table = pd.DataFrame({"path": paths, "split": ["test" if "/test/" in path else "train" for path in paths]})
    table.loc[table["path"].str.endswith("picture.jpg"), "split"] = None
    source = tmp_path / f"list{suffix}"
    table.to_csv(source, index=False) if suffix == ".csv" else table.to_parquet(source)
    model = imgsim.create(source, store=tiny_store, backbone="mini", progress=False)
    model.save(tmp_path / "m")
    leaks = imgsim.load_model(tmp_path / "m").insight("leaks")
    assert leaks.params["split"] == "the column 'split'"
    assert triples(leaks) == {("test/bytes.jpg", "train", "same_bytes")}, "the column, not the folders, decides"


def test_look_alikes_count_on_request(found):
    model, _ = found
    duplicates = find_duplicates(model, measure_traits(model), threshold=10)
    strict, loose = find_leaks(model, duplicates), find_leaks(model, duplicates, look_alikes=True)
    assert triples(strict) < triples(loose)
    assert set(loose.tables["pairs"]["tier"]) == {"same_bytes", "same_picture", "look_alike"}


@pytest.mark.parametrize(("split", "text"), [(None, "no splits by folders"), ("format", "one split by the column")])
def test_without_splits_the_insight_is_empty_and_says_so(tiny_model, tmp_path, split, text):
    leaks = find_leaks(tiny_model, find_duplicates(tiny_model, measure_traits(tiny_model)), split)
    assert text in leaks.params["note"]
    assert leaks.tables["pairs"].empty
    assert list(leaks.tables["counts"].columns) == TABLES["counts"].names
    leaks.save(tmp_path)
    assert load_insight(tmp_path).digest == leaks.digest


def test_bad_splits_are_refused(found):
    with pytest.raises(imgsim.ArgumentError, match="no column"):
        find_leaks(*found, split="fold")
    with pytest.raises(imgsim.ArgumentError, match="2 values"):
        find_leaks(*found, split=["a", "b"])
    with pytest.raises(imgsim.ArgumentTypeError, match="strings"):
        find_leaks(*found, split=[1] * len(found[0]))
