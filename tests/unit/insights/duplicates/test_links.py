import os
import shutil
import subprocess
from pathlib import Path

import pytest

import imgsim
from imgsim.insights.duplicates.cleanup import plan_table, write_plan_script
from imgsim.insights.duplicates.find import find_duplicates
from imgsim.insights.duplicates.links import find_links
from imgsim.insights.measures import measure_traits


@pytest.fixture
def source(tiny_images: Path) -> list[Path]:
    return sorted(tiny_images.rglob("*.jpg"))


def plan(folder: Path, store):
    model = imgsim.create(folder, store=store, backbone="mini", progress=False)
    found = find_duplicates(model, measure_traits(model))
    table = plan_table(found).set_index("path")
    return model, found, table


def test_names_of_one_file_are_not_spare(tmp_path, source, tiny_store):
    shutil.copyfile(source[0], tmp_path / "a.jpg")
    shutil.copyfile(source[6], tmp_path / "z.jpg")
    os.link(tmp_path / "a.jpg", tmp_path / "b.jpg")
    (tmp_path / "c.jpg").symlink_to("a.jpg")
    _, found, table = plan(tmp_path, tiny_store)
    assert set(table["action"]) == {"keep"}
    assert found.metrics["same_bytes_bytes"] == 0
    assert table["reason"]["b.jpg"] == "a link to the same file as a.jpg: it takes no space"


@pytest.mark.parametrize("link", [os.link, lambda target, name: name.symlink_to(target)])
def test_a_copy_beside_links_is_moved_and_they_are_not(tmp_path, source, tiny_store, link):
    root = tmp_path / "photos"
    root.mkdir()
    shutil.copyfile(source[0], root / "a copy.jpg")
    shutil.copyfile(source[0], root / "file.jpg")
    link(root / "file.jpg", root / "link.jpg")
    shutil.copyfile(source[6], root / "z.jpg")
    model, found, table = plan(root, tiny_store)
    assert table["action"].to_dict() == {"file.jpg": "keep", "a copy.jpg": "move", "link.jpg": "keep"}
    assert found.metrics["same_bytes_bytes"] == source[0].stat().st_size
    assert write_plan_script(model, found, tmp_path / "plan.sh", tmp_path / "spare") == 1
    assert (
        "1 files moved"
        in subprocess.run(["sh", tmp_path / "plan.sh"], capture_output=True, text=True, check=True).stdout
    )
    assert (root / "link.jpg").read_bytes() == source[0].read_bytes()


def test_two_files_with_links_both_stay(tmp_path, source, tiny_store):
    for name in ("a", "b"):
        shutil.copyfile(source[0], tmp_path / f"{name}.jpg")
        (tmp_path / f"link to {name}.jpg").symlink_to(f"{name}.jpg")
    shutil.copyfile(source[6], tmp_path / "z.jpg")
    _, _, table = plan(tmp_path, tiny_store)
    assert set(table["action"]) == {"keep"}
    assert "stays in its place" in table["reason"]["b.jpg"]


def test_a_link_out_of_the_collection_is_not_kept_in_place_of_a_file(tmp_path, source, tiny_store):
    root = tmp_path / "photos"
    root.mkdir()
    shutil.copyfile(source[0], tmp_path / "outside.jpg")
    (root / "a.jpg").symlink_to(tmp_path / "outside.jpg")
    shutil.copyfile(source[0], root / "b.jpg")
    shutil.copyfile(source[6], root / "z.jpg")
    _, found, table = plan(root, tiny_store)
    assert table["action"].to_dict() == {"b.jpg": "keep", "a.jpg": "keep"}
    assert table["reason"]["b.jpg"] == "the file, not a symbolic link"
    assert found.metrics["same_bytes_bytes"] == 0


def test_a_linked_file_of_a_smaller_picture_stays(tmp_path, source, tiny_store):
    from PIL import Image

    Image.open(source[0]).save(tmp_path / "large.png")
    shutil.copyfile(source[0], tmp_path / "small.jpg")
    (tmp_path / "link.jpg").symlink_to("small.jpg")
    shutil.copyfile(source[6], tmp_path / "z.jpg")
    _, _, table = plan(tmp_path, tiny_store)
    assert set(table["action"]) == {"keep"}


def test_without_a_local_folder_nothing_is_a_link(tmp_path, source):
    shutil.copyfile(source[0], tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    images = imgsim.load_images(tmp_path)
    assert find_links(images).file.tolist() == [0, 0]
    moved = imgsim.ImageTable(images.table)
    assert find_links(moved).file.tolist() == [0, 1]
    assert find_links(moved, tmp_path).symbolic.tolist() == [False, True]
    (tmp_path / "a.jpg").unlink()
    assert find_links(images).file.tolist() == [0, 1]
