"""A real S3 endpoint on loopback, read through s3fs."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import imgsim
from imgsim.errors import SourceError
from imgsim.features.distribute import extract_by
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable
from imgsim.workers import Processes

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


def test_new_objects_are_seen(bucket: str, endpoint: str, options: dict | None) -> None:
    import s3fs

    before = load_images(bucket, storage_options=options)
    outside = s3fs.S3FileSystem(client_kwargs={"endpoint_url": endpoint}, skip_instance_cache=True)
    outside.pipe_file("photos/set/dog/new.jpg", picture(77))
    assert len(load_images(bucket, storage_options=options)) == len(before) + 1


def test_other_shapes_of_url(bucket: str, options: dict | None) -> None:
    assert load_images("s3://photos", storage_options=options).paths[0] == "set/cat/1.jpg"
    assert load_images(bucket + "/", recursive=False, storage_options=options).paths == ["top.jpg"]
    assert load_images(f"{bucket}/dog/3.jpg", storage_options=options).labels == ["dog"]
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
        imgsim.FeatureStore("s3://no-such-bucket").write("net", {"a": here.matrix[0]}, {}, {})
