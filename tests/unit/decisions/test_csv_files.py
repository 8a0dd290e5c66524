"""CSV files of decisions: what is written reads back, and what cannot be read is named."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import imgsim
from imgsim.decisions import Decisions, Kind, export_csv, export_pairs_csv, import_csv, open_decisions
from imgsim.decisions.copies import decide_copies, file_key
from imgsim.errors import SourceError
from tests.unit.decisions.sha import A, B, C, sha


@pytest.fixture
def store(home: Path) -> Decisions:
    return open_decisions()


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


def state(store: Decisions) -> tuple:
    return store.pictures().to_dict("records"), store.pairs().to_dict("records"), store.not_duplicates()


labels = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=5).filter(str.strip)
tags = st.text("abc é,\"'", min_size=1, max_size=4).filter(str.strip)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=st.lists(labels, max_size=3), tags=st.lists(tags, max_size=3), marks=st.lists(st.booleans(), max_size=3))
def test_what_is_exported_is_imported(tmp_path_factory: pytest.TempPathFactory, labels, tags, marks):
    folder = tmp_path_factory.mktemp("files")
    first, second = open_decisions(folder / "first.db"), open_decisions(folder / "second.db")
    for number, label in enumerate(labels):
        first.set_label(sha(number), label)
    for number, tag in enumerate(tags):
        first.add_tag([sha(number), sha(number + 1)], tag)
    for number, yes in enumerate(marks):
        first.mark(sha(number), "keep" if yes else "spare", group="7" if yes else None)
        first.mark(sha(number + 5), "reviewed")
        first.mark_pairs(sha(number), sha(number + 9), yes)
        first.mark([sha(number), sha(number + 11)], "not_duplicates")
    assert export_csv(first, folder / "pictures.csv") == len(first.pictures())
    export_pairs_csv(first, folder / "pairs.csv")
    import_csv(second, folder / "pictures.csv")
    import_csv(second, folder / "pairs.csv")
    assert state(second) == state(first)
    actions = second.last_action
    again = [import_csv(second, folder / name) for name in ("pictures.csv", "pairs.csv")]
    assert [(found.action, found.new) for found in again] == [(None, 0)] * 2
    assert second.last_action == actions, "an import of the same file changes nothing"


def test_labels_that_live_elsewhere(store: Decisions, tiny_images: Path, tmp_path: Path):
    images = imgsim.load_images(tiny_images)
    full = images.location(1)
    path = written(
        tmp_path,
        f'path,label,tags,note\n{images.paths[0]},"a, b",x; y;,1\n{full},tree,,2\ngone.jpg,tree,x,3\n'
        f"{images.paths[2]},,,4\ngone.jpg,bush,,5\n",
        "utf-8-sig",
    )
    store.set_label(images.sha256[1], "tree")
    found = import_csv(store, path, images, by="eva", version="models:/imgsim-tiny/1")
    assert (found.new, found.known, found.unknown, found.empty) == (3, 1, ("gone.jpg",), 1)
    assert store.labels() == {images.sha256[0]: "a, b", images.sha256[1]: "tree"}
    assert store.tags() == {images.sha256[0]: ("x", "y")}
    last = store.history(1).iloc[0]
    assert last[["action", "by", "version", "kind", "pictures"]].tolist() == [
        found.action,
        "eva",
        "models:/imgsim-tiny/1",
        "import",
        3,
    ]
    store.undo(found.action)
    assert store.labels() == {images.sha256[1]: "tree"}

    export_csv(store, tmp_path / "out.csv", images)
    row = pd.read_csv(tmp_path / "out.csv").iloc[0]
    assert (row["path"], row["label"]) == (images.paths[1], "tree")


def test_decisions_about_files_with_the_same_bytes(store: Decisions, tiny_images: Path, tmp_path: Path):
    images = imgsim.load_images(tiny_images)
    key, (one, other) = images.sha256[0], images.paths[:2]
    decide_copies(store, [key, key, key], [True, False, False], [one, other, "elsewhere.jpg"], "same_bytes")
    store.set_label(key, "tree")
    assert export_csv(store, tmp_path / "out.csv", images) == 4
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert found["label"].tolist() == ["tree", "", "", ""], "the picture first, then its files"
    assert found["path"][0] == one
    files = found[1:].set_index("path")
    assert files["copy"].to_dict() == {one: "keep", other: "spare", "": "spare"}
    assert set(files["group"]) == {"same_bytes"}
    assert files["file"][one] == file_key(one)

    second = open_decisions(tmp_path / "second.db")
    assert import_csv(second, tmp_path / "out.csv").new == 4
    assert second.current(Kind.FILE) == store.current(Kind.FILE)
    assert (second.labels(), second.kept()) == (store.labels(), set())
    assert import_csv(second, tmp_path / "out.csv").new == 0


def test_an_empty_cell_takes_nothing_back(store: Decisions, tmp_path: Path):
    store.set_label(A, "tree")
    assert import_csv(store, written(tmp_path, f"sha256,label,reviewed\n{A.upper()},,yes\n")).new == 1
    assert (store.labels(), store.reviewed()) == ({A: "tree"}, {A})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,label\na.jpg,tree\n", "has the columns name, label: needed are sha256 or path, and label"),
        (f"sha256,class\n{A},tree\n", "needed are"),
        ("", "cannot be read as a CSV file"),
        ("path,label\na.jpg,tree\n", "names pictures by path: say which images they are"),
        (f"sha256,label\n{A},tree\nabc,tree\n", "line 3: 'abc' in sha256s is no sha256"),
        (f"sha256,copy\n{A},keeps\n", "line 2: copy must be one of keep, spare"),
        (f"sha256,copy,file\n{A},keep,a.jpg\n", "line 2: 'a.jpg' in file is no sha256"),
        (f"sha256,reviewed\n{A},maybe\n", "line 2: reviewed must be one of"),
        (
            f"sha256,label\n{A},tree\n{B},tree\n{A},bush\n",
            f"decides label of {A[:12]}... in two ways, 'tree' and 'bush'",
        ),
        (f"left,right,decision\n{A},{B},same\n", "line 2: decision must be one of alike"),
        (f"left,right,decision\n{A},{B},alike\n{B},{A},not_alike\n", "decides pair of"),
        (f"left,right,decision\n{C},{C},alike\n", "line 2: .* is paired with itself"),
    ],
)
def test_files_that_cannot_be_read(store: Decisions, home: Path, tmp_path: Path, text: str, words: str):
    path = written(tmp_path, text)
    with pytest.raises(SourceError, match=words) as caught:
        import_csv(store, path)
    assert str(path) in str(caught.value)
    assert not list(home.glob("decisions*"))


def test_no_file_and_no_text(store: Decisions, tmp_path: Path):
    with pytest.raises(SourceError, match="there is no such file"):
        import_csv(store, tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"sha256,label\n\xff\xfe")
    with pytest.raises(SourceError, match="cannot be read as a CSV file"):
        import_csv(store, tmp_path / "bytes.csv")
