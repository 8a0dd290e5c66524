import copy
from multiprocessing.reduction import ForkingPickler

import pytest

import imgsim
from imgsim.io.held_file import HeldFile

pickled = ForkingPickler.dumps
unpickled = ForkingPickler.loads


@pytest.fixture(params=[100, 2**20 + 1], ids=["read", "mapped"])
def path(request, tmp_path):
    (tmp_path / "a").write_bytes(b"a" * request.param)
    return tmp_path / "a"


def test_what_takes_its_place_is_not_read(path, tmp_path):
    before, held = path.read_bytes(), HeldFile(path)
    (tmp_path / "b").write_bytes(b"b" * len(before))
    (tmp_path / "b").replace(path)
    assert held.read() == before
    path.unlink()
    assert held.read() == before
    held.copy_to(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == before
    assert copy.deepcopy(held) is copy.copy(held) is held


def test_a_mapped_file_that_is_cut_in_place_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(bytes(2**21))
    held = HeldFile(tmp_path / "a")
    with (tmp_path / "a").open("r+b") as file:
        file.truncate(2**20)
    with pytest.raises(imgsim.ModelFormatError, match="changed while it was in use"):
        held.read()


def test_another_process_finds_the_same_file_or_says_so(path):
    data = pickled(HeldFile(path))
    assert unpickled(data).read() == path.read_bytes()
    path.write_bytes(b"other")
    with pytest.raises(imgsim.ModelFormatError, match="changed while it was in use"):
        unpickled(data)
    path.unlink()
    with pytest.raises(imgsim.ModelFormatError, match="is gone"):
        unpickled(data)


def test_an_empty_file(tmp_path):
    (tmp_path / "a").touch()
    assert HeldFile(tmp_path / "a").read() == b""
