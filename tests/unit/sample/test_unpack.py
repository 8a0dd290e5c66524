"""The sample that the wheel carries."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.decoding.decode import decode
from imgsim.sample.unpack import MARKER, REPEATED
from tools.render_sample import KINDS, MESSY
from tools.render_sample.folder import draw


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imgsim.unpack_sample(tmp_path_factory.mktemp("unpacked") / "sample")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))


def test_twenty_pictures_of_each_kind_and_the_messy_files(sample: Path) -> None:
    regular = [name for name in names(sample) if Path(name).name not in MESSY]
    assert regular == [f"{kind}/{kind}_{view:02d}.jpg" for kind in KINDS for view in range(20)]
    assert sorted(Path(name).name for name in set(names(sample)) - set(regular)) == sorted(MESSY)
    assert json.loads((sample / MARKER).read_text())["seed"] == 0


def test_the_pictures_are_those_of_the_renderer(sample: Path) -> None:
    rendered = draw("mug", 3).astype(np.float32)
    packaged = decode((sample / "mug/mug_03.jpg").read_bytes())
    assert packaged.shape == rendered.shape
    assert np.abs(packaged - rendered).mean() < 3, "but for what JPEG loses"


def test_a_repeated_picture_can_be_told_by_its_name(sample: Path) -> None:
    (copy,) = sample.glob(f"*/{REPEATED[0]}")
    assert copy.read_bytes() == (copy.parent / f"{copy.parent.name}_00.jpg").read_bytes()


def test_the_default_is_the_working_store(home: Path) -> None:
    assert imgsim.unpack_sample() == home / "samples" / "sample"
    assert [path.name for path in (home / "samples").iterdir()] == ["sample"]


def test_a_whole_sample_is_left_alone_with_what_was_added(sample: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sample, tmp_path / "sample")
    (folder / "mine.jpg").write_bytes(b"mine")
    before = (folder / MARKER).stat().st_ino
    assert imgsim.unpack_sample(str(folder)) == folder
    assert (folder / MARKER).stat().st_ino == before
    assert (folder / "mine.jpg").is_file()


def test_a_sample_that_lacks_a_picture_is_unpacked_again(sample: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sample, tmp_path / "sample")
    (folder / "wood/wood_00.jpg").unlink()
    (folder / "dice/dice_00.jpg").write_bytes(b"cut")
    imgsim.unpack_sample(folder)
    assert names(folder) == names(sample)
    assert (folder / "dice/dice_00.jpg").read_bytes() == (sample / "dice/dice_00.jpg").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_folder_of_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(imgsim.ArgumentError, match="not a folder of sample images"):
        imgsim.unpack_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
