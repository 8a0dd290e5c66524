"""A real S3 endpoint on loopback, read through s3fs."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imgsim
from imgsim.errors import SourceError
from imgsim.features.content import table
from imgsim.features.distribute import extract_by
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.workers import Processes
from tests.byte_meter import metered

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.filterwarnings("default")  # the S3 client's own warnings are not ours


def picture(value: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (30, 20), (value, 0, 0)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def bucket(endpoint: str, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import s3fs

    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    filesystem = s3fs.S3FileSystem(client_kwargs={"endpoint_url": endpoint}, use_listings_cache=False)
    filesystem.mkdir("photos")
    for i, key in enumerate(("set/cat/1.jpg", "set/cat/two words+ü.jpg", "set/dog/3.jpg", "set/top.jpg")):
        filesystem.pipe_file(f"photos/{key}", picture(50 * i))
    filesystem.pipe_file("photos/set/bad.jpg", b"broken")
    filesystem.pipe_file("photos/set/notes.txt", b"text")
    filesystem.pipe_file("photos/settings/other.jpg", picture(9))
    yield "s3://photos/set"
    filesystem.rm("photos", recursive=True)


@pytest.fixture(params=["storage options", "environment"])
def options(request: pytest.FixtureRequest, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict | None:
    if request.param == "storage options":
        return {"client_kwargs": {"endpoint_url": endpoint}}
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
    return None


def test_bucket_folder(bucket: str, options: dict | None, tmp_path: Path) -> None:
    images = load_images(bucket, storage_options=options)
    assert images.root == bucket
    assert images.paths == ["cat/1.jpg", "cat/two words+ü.jpg", "dog/3.jpg", "top.jpg"]
    assert images.labels == ["cat", "cat", "dog", None]
    assert images.column("width").tolist() == [30] * 4
    assert images.read_bytes(1) == picture(50)
    assert images[3].read_bytes(0) == picture(150)
    assert images.to_pandas()["mtime"].notna().all()
    assert images.rejected[["path", "stage"]].to_numpy().tolist() == [["bad.jpg", "header"]]
    assert images.skipped == 1
    images.save(tmp_path / "table.parquet")
    assert b"endpoint_url" not in (tmp_path / "table.parquet").read_bytes()
    assert ImageTable.load(tmp_path / "table.parquet").root == bucket


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of objects that are downloaded, and the names of other requests."""
    import s3fs

    asked: list[str] = []
    real = s3fs.S3FileSystem._call_s3

    async def call(self, method, *given, **named):
        asked.append(named.get("Key") if method == "get_object" else method)
        return await real(self, method, *given, **named)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", call)
    return asked


def test_unchanged_objects_are_not_downloaded_again(
    bucket: str, endpoint: str, options: dict | None, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    from imgsim.images.scanning import stamp

    monkeypatch.setattr(stamp, "SETTLED", -1.0)
    first = load_images(bucket, storage_options=options)
    assert {"set/cat/1.jpg", "set/top.jpg"} < set(asked)
    asked.clear()
    assert load_images(bucket, storage_options=options).table.equals(first.table)
    assert {key for key in asked if "/" in key} == {"set/bad.jpg"}  # rejected: tried again
    outside = s3fs.S3FileSystem(client_kwargs={"endpoint_url": endpoint}, skip_instance_cache=True)
    outside.pipe_file("photos/set/top.jpg", picture(250))
    asked.clear()
    assert load_images(bucket, storage_options=options).sha256[3] != first.sha256[3]
    assert {key for key in asked if "/" in key} == {"set/bad.jpg", "set/top.jpg"}


def test_scan_and_extraction_download_an_object_once(
    bucket: str, options: dict | None, asked: list[str], tmp_path: Path
) -> None:
    images = load_images(bucket, storage_options=options)
    features = imgsim.extract_features(images, imgsim.get_backbone("mini"), imgsim.FeatureStore(tmp_path / "store"))
    assert len(features.matrix) == 4
    got = sorted(key for key in asked if "/" in key)
    assert got == ["set/bad.jpg", *(f"set/{path}" for path in images.paths)]
    assert images.read_bytes(0) == picture(0)  # taken from the spool: downloaded
    assert sorted(key for key in asked if "/" in key) == sorted([*got, "set/cat/1.jpg"])


def test_new_objects_are_seen(bucket: str, endpoint: str, options: dict | None) -> None:
    import s3fs

    before = load_images(bucket, storage_options=options)
    outside = s3fs.S3FileSystem(client_kwargs={"endpoint_url": endpoint}, skip_instance_cache=True)
    outside.pipe_file("photos/set/dog/new.jpg", picture(77))
    assert len(load_images(bucket, storage_options=options)) == len(before) + 1


def test_other_shapes_of_url(bucket: str, options: dict | None) -> None:
    assert load_images("s3://photos", storage_options=options).paths[0] == "set/cat/1.jpg"
    assert load_images(bucket + "/", recursive=False, storage_options=options).paths == ["top.jpg"]
    assert load_images(f"{bucket}/dog/3.jpg", storage_options=options).labels == [None]
    assert len(load_images(f"{bucket}/*/*.jpg", storage_options=options)) == 3
    listed = load_images([f"{bucket}/dog/3.jpg", f"{bucket}/none.jpg"], storage_options=options)
    assert listed.paths == ["dog/3.jpg"]
    assert listed.rejected["stage"].tolist() == ["read"]


@pytest.mark.usefixtures("bucket")
def test_what_is_missing_is_named(options: dict | None) -> None:
    for url in ("s3://photos/nothing/here", "s3://no-such-bucket/x"):
        with pytest.raises(SourceError, match=url):
            load_images(url, storage_options=options)


def test_a_store_in_a_bucket_serves_all_machines(bucket: str, endpoint: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    images, backbone = load_images(bucket), imgsim.get_backbone("mini")
    store = imgsim.FeatureStore("s3://photos/store")
    here = imgsim.extract_features(images, backbone, imgsim.FeatureStore(tmp_path / "local"))
    for machine, computed in (("one", 4), ("two", 0)):
        monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / machine))
        found = extract_by(Processes(2), images, backbone, store, piece=2)
        assert found.stats["computed"] == computed
        assert found.images.paths == here.images.paths
        assert (found.matrix == here.matrix).all()
    assert all(store.read_thumbnails(images.sha256))
    with pytest.raises(imgsim.StoreError, match="s3://no-such-bucket/features"):
        imgsim.FeatureStore("s3://no-such-bucket").write("net", {images.sha256[0]: here.matrix[0]}, {}, {}, {})


@pytest.mark.usefixtures("bucket")
def test_a_look_up_in_a_bucket_moves_its_index_only(endpoint: str) -> None:
    """Ten keys among 10,240: 107 MB when whole files were downloaded."""
    keys = [hashlib.sha256(b"%d" % i).hexdigest() for i in range(10_240)]
    rng = np.random.default_rng(0)
    with metered(endpoint) as (address, meter):
        options = {"client_kwargs": {"endpoint_url": address}, "skip_instance_cache": True}
        writer, reader = (imgsim.FeatureStore("s3://photos/many", options) for _ in range(2))
        for start in range(0, len(keys), 1024):
            some = keys[start : start + 1024]
            matrix = rng.standard_normal((len(some), 256), np.float32)
            thumbnails = {key: rng.bytes(1000) for key in some}
            writer.write("net", dict(zip(some, matrix, strict=True)), thumbnails, {}, dict.fromkeys(some, "JPEG"))
        whole = meter.moved
        asked = [*keys[1023::1024], hashlib.sha256(b"another").hexdigest()]
        assert len(reader.thumbnails.sizes()) == 10
        writer.tidy("net")
        assert len(reader.thumbnails.sizes()) == 1
        table._OPENED.clear()
        meter.reset()
        assert reader.contains("net", asked).tolist() == [True] * 10 + [False]
        assert meter.moved < 1_000_000 < whole / 10
        meter.reset()
        assert (reader.read_features("net", asked[9:10])[1] == matrix[-1]).all()
        assert meter.moved < 200_000
