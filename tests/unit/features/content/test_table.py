import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import imgsim
from imgsim.features.content import part, table, writer
from imgsim.features.content.names import origins
from imgsim.features.content.part import Part
from imgsim.features.content.table import ContentTable
from imgsim.features.upkeep import compact
from imgsim.io.object_store import LocalParts

KEYS = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(3000)]


def vector(key: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(key), np.uint8)[:8].astype(np.float32)


def write(store: imgsim.FeatureStore, keys: list[str], kind: str = "JPEG") -> None:
    store.write(
        "net", {key: vector(key) for key in keys}, {key: key.encode() for key in keys}, {}, dict.fromkeys(keys, kind)
    )


def check(store: imgsim.FeatureStore, keys: list[str]) -> None:
    found, matrix = store.read_features("net", keys)
    assert found.all()
    assert (matrix == np.stack([vector(key) for key in keys])).all()
    assert store.read_thumbnails(keys) == [key.encode() for key in keys]


def write_old(folder: Path, keys: list[str]) -> None:
    """A part as imgsim 0.2 wrote it, of features or thumbnails."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == "thumbnails":
        column = {"thumbnail": pa.array([key.encode() for key in keys], pa.binary())}
    else:
        flat = pa.array(np.concatenate([vector(key) for key in keys]))
        column = {"feature": pa.FixedSizeListArray.from_arrays(flat, 8)}
    content = pa.table({"sha256": pa.array(keys, pa.string()), **column})
    name = f"{origins()['JPEG']}-{uuid.uuid4().hex}.parquet"
    pq.write_table(content, folder / name, compression="none", write_page_checksum=True)


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path) -> imgsim.FeatureStore:
    return imgsim.FeatureStore(tmp_path if request.param == "folder" else f"memory://{uuid.uuid4().hex}")


def test_merged_parts_hold_what_the_small_ones_held(store):
    for start in range(0, 3000, 100):
        write(store, KEYS[start : start + 100], "JPEG" if start < 2000 else "PNG")
    write(store, KEYS[50:60])
    asked = [KEYS[i] for i in np.random.default_rng(0).permutation(3000)] + KEYS[:5]
    check(store, asked)
    assert compact(store) == 62
    assert len(store.thumbnails.sizes()) == len(store.features("net").sizes()) == 2
    check(store, asked)
    assert sorted(int(name.split("-")[3]) for name in store.thumbnails.sizes()) == [1000, 2000]
    assert compact(store) == 0


def test_parts_are_merged_by_themselves_once_eight_are_of_a_size(tmp_path):
    """Additions of one image each: few parts at any time, and each row is written a few times."""
    thumbnails = imgsim.FeatureStore(tmp_path).thumbnails
    written = []
    for key in KEYS[:200]:
        thumbnails.append([key], pa.array([key.encode()]), ["JPEG"])
        thumbnails.tidy()
        written.append(set(thumbnails.sizes()))
    assert max(map(len, written)) <= 8 * 3
    rows = sum(int(name.split("-")[3]) for name in set.union(*written))
    assert 200 < rows <= 200 * 4
    assert thumbnails.contains(KEYS[:201]).tolist() == [True] * 200 + [False]


def test_a_store_of_an_earlier_version_is_read_and_migrated(tmp_path):
    for folder in (tmp_path / "features" / "net", tmp_path / "thumbnails"):
        for start in range(0, 300, 100):
            write_old(folder, KEYS[start : start + 100])
    store = imgsim.FeatureStore(tmp_path)
    check(store, KEYS[299::-1])
    write(store, KEYS[300:310])
    check(store, KEYS[:310])
    store.tidy("net")
    names = list(store.thumbnails.sizes())
    assert [name.startswith("v2-") for name in names] == [True, True]
    check(store, KEYS[:310])


def test_nobody_sees_less_while_an_old_store_is_migrated(tmp_path, monkeypatch):
    for folder in (tmp_path / "features" / "net", tmp_path / "thumbnails"):
        for start in range(0, 300, 100):
            write_old(folder, KEYS[start : start + 100])
    store = imgsim.FeatureStore(tmp_path)
    seen = []
    remove, write_part = LocalParts.remove, table.write_part

    def looking(function, *given):
        check(imgsim.FeatureStore(tmp_path), KEYS[:300])
        seen.append(function.__name__)
        return function(*given)

    monkeypatch.setattr(LocalParts, "remove", lambda self, name: looking(remove, self, name))
    monkeypatch.setattr(table, "write_part", lambda *given: looking(write_part, *given))
    assert compact(store) == 6
    assert seen.count("remove") == 6
    assert seen.count("write_part") == 2


def test_old_and_new_parts_are_forgotten_alike(tmp_path):
    write_old(tmp_path / "features" / "net", KEYS[:100])
    write_old(tmp_path / "thumbnails", KEYS[:100])
    store = imgsim.FeatureStore(tmp_path)
    write(store, KEYS[:200], "PNG")
    assert store.forget(KEYS[50:150]) == 150
    left = KEYS[:50] + KEYS[150:200]
    check(store, left)
    assert store.contains("net", KEYS[:200]).sum() == 100
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*.parquet"))
    assert all((key.encode() in content) == (key in left) for key in KEYS[:200])


def test_what_is_forgotten_while_others_merge_does_not_come_back(tmp_path, monkeypatch):
    """In a bucket nothing is locked: the merged part is given up, or forgetting sees it."""
    store = imgsim.FeatureStore(f"memory://{uuid.uuid4().hex}")
    for start in (0, 10):
        write(store, KEYS[start : start + 10])
    sizes, listed = ContentTable.sizes, []

    def forgetting(self):
        listed.append(len(sizes(self)))
        if len(listed) in (3, 4) and not nested:
            nested.append(True)
            store.thumbnails.remove(KEYS[:5])
            nested.clear()
        return sizes(self)

    nested = []
    monkeypatch.setattr(ContentTable, "sizes", forgetting)
    assert store.thumbnails.compact() == 0
    assert len(listed) > 4
    monkeypatch.undo()
    store.thumbnails.compact()
    assert store.read_thumbnails(KEYS[:20]) == [None] * 5 + [key.encode() for key in KEYS[5:20]]


def test_blocks_read_the_groups_they_need_and_no_others(tmp_path, monkeypatch):
    """n keys in m blocks read n rows, and about 64 more where a block begins or ends, not m times n."""
    store = imgsim.FeatureStore(tmp_path)
    write(store, KEYS)
    read = []
    original = Part._read

    def counting(self, groups, columns):
        rows = original(self, groups, columns)
        read.append((columns[-1], len(rows)))
        return rows

    monkeypatch.setattr(Part, "_read", counting)
    for start in range(0, 3000, 100):
        assert store.read_features("net", KEYS[start : start + 100])[0].all()
    total = {name: sum(rows for column, rows in read if column == name) for name in ("index_row", "feature")}
    assert total["index_row"] == 3000
    assert 3000 <= total["feature"] <= 3000 + 30 * 128
    read.clear()
    assert imgsim.FeatureStore(tmp_path).contains("net", KEYS[:3]).all()
    assert sum(rows for column, rows in read if column == "feature") == 0


def test_values_come_in_blocks_of_a_type_for_any_number_of_bytes(tmp_path, monkeypatch):
    """Arrow's plain bytes end at 2 GiB in all; 5,200 values of 460 kB were read when this was written."""
    monkeypatch.setattr(part, "BLOCK", 3)
    store = imgsim.FeatureStore(tmp_path)
    write(store, KEYS)
    found, blocks = store.thumbnails.read(KEYS)
    assert found.all()
    assert {values.type for _, values in blocks} == {pa.large_binary()}
    assert max(len(values) for _, values in blocks) == 3 * writer.GROUP
    check(store, KEYS)


def test_several_processes_write_and_merge_at_once(tmp_path):
    program = (
        "import sys, imgsim\nfrom tests.unit.features.content.test_table import KEYS, write\n"
        "store, first = imgsim.FeatureStore(sys.argv[1]), int(sys.argv[2])\n"
        "for at in range(first, first + 200, 10):\n    write(store, KEYS[at : at + 10])\n    store.tidy('net')\n"
    )
    root = Path(imgsim.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with ThreadPoolExecutor(3) as pool:
        commands = [[sys.executable, "-c", program, str(tmp_path), str(first)] for first in (0, 100, 200)]
        done = list(pool.map(lambda command: subprocess.run(command, cwd=root, env=environment, check=False), commands))
    assert [one.returncode for one in done] == [0, 0, 0]
    check(imgsim.FeatureStore(tmp_path), KEYS[:400])


def write_and_merge_until(operation: int, folder: Path, told: Connection) -> None:
    """In a process that dies before this operation on files: tell when the last keys are stored, and then merged."""
    import filelock  # noqa: F401  opening its modules is no operation on the store

    left = operation

    def count(event: str, _: object) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.scandir", "os.mkdir", "os.listdir"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    store = imgsim.FeatureStore(folder)
    write(store, KEYS[100:110])
    sys.addaudithook(count)
    write(store, KEYS[110:120])
    told.send("stored")
    store.thumbnails.compact()
    store.features("net").compact()
    left = 10**9
    told.send("merged")


def everything(heard: Connection) -> Iterator[str]:
    """What was told until the other end was closed."""
    with heard, suppress(EOFError):
        while True:
            yield heard.recv()


@pytest.mark.slow
def test_a_kill_before_any_operation_on_files_loses_nothing(tmp_path):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    ends = []
    for operation in (*range(3, 60, 4), 10**6):
        folder = tmp_path / str(operation)
        write_old(folder / "features" / "net", KEYS[:100])
        write_old(folder / "thumbnails", KEYS[:100])
        heard, told = processes.Pipe(duplex=False)
        run = processes.Process(target=write_and_merge_until, args=(operation, folder, told))
        run.start()
        told.close()
        run.join()
        assert run.exitcode in (0, -signal.SIGKILL)
        ends.append(list(everything(heard)))
        store = imgsim.FeatureStore(folder)
        with warnings.catch_warnings(action="error"):
            check(store, KEYS[: 120 if ends[-1] else 110])
            compact(store)
        assert len(store.thumbnails.sizes()) == 1
        check(store, KEYS[: 120 if ends[-1] else 110])
    assert [] in ends
    assert ["stored"] in ends
    assert ends[-1] == ["stored", "merged"]


def test_a_flipped_bit_anywhere_gives_the_value_or_none_and_a_warning(tmp_path):
    """Never another value, and never an error of the library that reads."""
    store = imgsim.FeatureStore(tmp_path)
    write(store, KEYS[:70])
    (path,) = (tmp_path / "features" / "net").iterdir()
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")  # has no checksum: a row may not be found
    lost = 0
    for at in range(0, len(content), len(content) // 150):
        table._OPENED.clear()
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found, matrix = store.read_features("net", KEYS[:70])
        assert (matrix == np.stack([vector(KEYS[i]) for i in np.flatnonzero(found)] or [np.empty(0)])).all()
        assert found.all() or told or at >= footer
        lost += not found.all()
    assert lost > 50
