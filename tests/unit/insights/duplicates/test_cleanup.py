import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import imgsim
from imgsim.insights.duplicates.cleanup import plan_table, write_plan_csv, write_plan_script
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.measures import measure_traits
from imgsim.references.insight import Insight

HOSTILE = (
    "it's.jpg",
    'say "no".jpg',
    "-rf.jpg",
    "--.jpg",
    "two\nlines.jpg",
    "back\rthere.jpg",
    "$(touch gone).jpg",
    "`touch gone`.jpg",
    "a;touch gone;.jpg",
    "back\\slash.jpg",
    "*.jpg",
    "tail \t.jpg",
    "ümlaut 写真.jpg",
    "@MOVES@.jpg",
    "${HOME}.jpg",
    "# no comment.jpg",
    "!history.jpg",
)


@pytest.fixture
def collection(tiny_images: Path, tmp_path: Path) -> Path:
    """One picture under names that a careless script would trip over, and another copy of it in better quality."""
    root = tmp_path / "my 'photos'"
    for folder in ("keep", "-x\ny'", "a/b c"):
        (root / folder).mkdir(parents=True)
    source = sorted(tiny_images.rglob("*.jpg"))
    shutil.copyfile(source[0], root / "keep" / "0.jpg")
    os.utime(root / "keep" / "0.jpg", (1e9, 1e9))
    for i, name in enumerate(HOSTILE):
        shutil.copyfile(source[0], root / ("-x\ny'", "a/b c")[i % 2] / name)
    for i in range(1, 30, 6):
        shutil.copyfile(source[i], root / "keep" / f"{i}.jpg")
    return root


@pytest.fixture
def found(collection: Path, tiny_store: imgsim.FeatureStore):
    model = imgsim.create(collection, store=tiny_store, backbone="mini", progress=False)
    assert len(model) == len(HOSTILE) + 6
    return model, find_duplicates(model, measure_traits(model))


def run(script: Path, *arguments: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    return subprocess.run([shell, str(script), *arguments], capture_output=True, text=True, check=False)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=[shell for shell in ("sh", "bash", "dash", "ksh", "zsh") if shutil.which(shell)])
def shell(request) -> str:
    return request.param


def test_hostile_names_are_moved_and_nothing_else_happens(collection, found, tmp_path, shell):
    before, target, script = files(collection), tmp_path / "o'ther\n-place", tmp_path / "plan.sh"
    assert write_plan_script(*found, script, target) == len(HOSTILE)
    dry = run(script, "--dry-run", shell=shell)
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.count("would move: ") == len(HOSTILE)
    assert files(collection) == before
    assert not target.exists()

    done = run(script, shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{len(HOSTILE)} files moved to {target}, 0 moved before, 0 left alone\n")
    moved = files(target)
    assert {Path(name).name for name in moved} == set(HOSTILE)
    assert files(collection) | moved == before
    assert "keep/0.jpg" in files(collection)
    assert not list(tmp_path.rglob("gone"))

    again = run(script, shell=shell)
    assert again.returncode == 0
    assert again.stdout.endswith(f"0 files moved to {target}, {len(HOSTILE)} moved before, 0 left alone\n")
    assert files(target) == moved


def test_nothing_is_overwritten_and_no_last_copy_is_moved(collection, found, tmp_path):
    target, script = tmp_path / "out", tmp_path / "plan.sh"
    write_plan_script(*found, script, target)
    there, changed, gone = "a/b c/" + HOSTILE[1], "-x\ny'/" + HOSTILE[0], "-x\ny'/" + HOSTILE[2]
    (target / there).parent.mkdir(parents=True)
    (target / there).write_bytes(b"precious")
    data = (collection / changed).read_bytes()
    (collection / changed).write_bytes(data[:-2] + b"??")
    (collection / gone).unlink()
    done = run(script)
    assert done.returncode == 1
    assert f"left alone: {there} (the folder has a file of that name)" in done.stdout
    assert f"left alone: {changed} (it is no longer equal to keep/0.jpg)" in done.stdout
    assert f"left alone: {gone} (it is gone)" in done.stdout
    assert (target / there).read_bytes() == b"precious"
    assert {there, changed} <= set(files(collection))

    other = tmp_path / "other.sh"
    write_plan_script(*found, other, tmp_path / "elsewhere")
    (collection / "keep" / "0.jpg").unlink()
    left = files(collection)
    done = run(other)
    assert "the one to keep is gone: keep/0.jpg" in done.stdout
    assert files(collection) == left


def test_a_link_to_the_kept_file_is_not_moved(collection, found, tmp_path):
    link = collection / "a/b c" / HOSTILE[1]
    link.unlink()
    link.symlink_to(collection / "keep" / "0.jpg")
    write_plan_script(*found, tmp_path / "plan.sh", tmp_path / "out")
    assert "it is the one to keep, by another name" in run(tmp_path / "plan.sh").stdout
    assert link.is_symlink()


def test_names_that_are_not_utf_8(collection, tmp_path, tiny_store):
    """In the collection such a file is rejected, so no plan holds it; a folder to move to may be called anything."""
    odd, target = collection / os.fsdecode(b"\xff'\n.jpg"), tmp_path / os.fsdecode(b"-\xfe' place")
    shutil.copyfile(collection / "keep" / "0.jpg", odd)
    model = imgsim.create(collection, store=tiny_store, backbone="mini", progress=False)
    assert model.rejected["stage"].tolist() == ["list"]
    write_plan_script(model, find_duplicates(model, measure_traits(model)), tmp_path / "plan.sh", target)
    done = subprocess.run(["sh", str(tmp_path / "plan.sh")], capture_output=True, check=True)
    assert os.fsencode(target) in done.stdout
    assert len(files(target)) == len(HOSTILE)
    assert odd.exists()


def test_unknown_options_do_nothing(collection, found, tmp_path):
    before = files(collection)
    write_plan_script(*found, tmp_path / "plan.sh", tmp_path / "out")
    done = run(tmp_path / "plan.sh", "--dryrun")
    assert done.returncode == 2
    assert "usage" in done.stderr
    assert files(collection) == before


def test_the_table_says_what_is_kept_and_why(found, tmp_path):
    plan = plan_table(found[1])
    assert plan["action"].value_counts().to_dict() == {"move": len(HOSTILE), "keep": 1}
    assert plan["path"][0] == "keep/0.jpg"
    assert plan["reason"][0].startswith("oldest: 2001-09-09 01:46:40")
    assert (plan["kept_path"] == "keep/0.jpg").all()
    write_plan_csv(found[1], tmp_path / "plan.csv")
    assert pd.read_csv(tmp_path / "plan.csv")["path"].tolist() == plan["path"].tolist()
    assert plan_table(found[1], ("look_alike",)).empty


def test_what_cannot_work_is_refused(collection, found, tmp_path, rng):
    model, duplicates = found
    with pytest.raises(imgsim.ArgumentError, match="tiers must be"):
        plan_table(duplicates, ("same",))
    with pytest.raises(imgsim.ArgumentError, match="read again"):
        write_plan_script(model, duplicates, tmp_path / "p.sh", collection / "duplicates")
    vectors = imgsim.create(embeddings=rng.random((3, 2)), progress=False)
    with pytest.raises(imgsim.ArgumentError, match="unknown place"):
        write_plan_script(vectors, duplicates, tmp_path / "p.sh", tmp_path / "out")
    assert not (tmp_path / "p.sh").exists()


@pytest.mark.parametrize("path", ["../../outside.jpg", "/etc/passwd", "keep/../../x"])
def test_a_path_out_of_the_collection_is_no_plan(found, tmp_path, path):
    """A stranger's model could name any file of this machine."""
    model, duplicates = found
    groups = duplicates.tables["groups"].copy()
    groups.loc[0, "path"] = path
    forged = Insight(duplicates.name, duplicates.schemas, {**duplicates.tables, "groups": groups})
    with pytest.raises(imgsim.ArgumentError, match="leads out of the collection"):
        write_plan_script(model, forged, tmp_path / "plan.sh", tmp_path / "spare")
    assert not (tmp_path / "plan.sh").exists()
