"""Results are found again by what they depend on; a folder that is there is complete."""

import errno
import os

import pytest
from PIL import Image

import imgsim
from imgsim.errors import ModelFormatError
from imgsim.features.store import FeatureStore
from imgsim.insights.report.report import FILE, Report
from orchestration.result_cache import KEPT, Entry, current, library_version, point, reuse_key


@pytest.fixture
def entry(tmp_path):
    """Open the place of a report anew, as each run does."""
    store = FeatureStore(tmp_path / "store")
    return lambda kind=Report: Entry(tmp_path / "insight_report" / "key", kind, store)


def test_key_covers_every_part_and_nothing_else():
    key = reuse_key("graph", "1", "digest", 10)
    assert key == reuse_key("graph", "1", "digest", 10) == "32908ea7dd01fa03ab34c46130151921"
    others = [
        ("graph", "2", "digest", 10),
        ("graph", "1", "other", 10),
        ("graph", "1", "digest", 11),
        ("x", "1", "digest", 10),
    ]
    assert key not in {reuse_key(*other) for other in others}


def test_a_result_is_computed_once_and_saved_at_once(entry):
    first, second = entry(), entry()
    assert first.get(lambda: Report("page")) == Report("page")
    assert (first.folder / FILE).read_text() == "page"
    assert second.get(lambda: pytest.fail("computed")) == second.value == Report("page")
    assert (first.reused, second.reused) == (False, True)
    assert (first.asset, first.key) == ("insight_report", "key")


def test_damaged_and_invalid_results_are_replaced(entry):
    entry().get(lambda: Report("old"))
    (entry().folder / FILE).write_bytes(b"\xff\xfe\xff")
    damaged = entry()
    with pytest.warns(UserWarning, match=r"key cannot be used: .* It is kept as .*key\.damaged; a new one is computed"):
        assert damaged.get(lambda: Report("new")) == Report("new")
    assert (damaged.folder.with_suffix(".damaged") / FILE).read_bytes() == b"\xff\xfe\xff"
    invalid = entry()
    assert invalid.get(lambda: Report("newer"), lambda value: value != Report("new")) == Report("newer")
    assert not damaged.reused
    assert not invalid.reused
    assert (invalid.folder / FILE).read_text() == "newer"


def test_a_function_that_fails_leaves_nothing(entry):
    def fail():
        raise MemoryError

    with pytest.raises(MemoryError):
        entry().get(fail)
    assert not entry().folder.parent.exists()


class Unreadable(Report):
    """A report on a disk that cannot be read at the moment."""

    @classmethod
    def load(cls, folder):
        """Fail as readers do, which name the cause."""
        try:
            raise OSError(errno.EMFILE, "Too many open files", str(folder / FILE))
        except OSError as error:
            raise ModelFormatError(f"{folder} cannot be read") from error


def test_an_error_that_passes_is_raised_and_the_result_kept(entry):
    entry().get(lambda: Report("page"))
    with pytest.raises(OSError, match="Too many open files"):
        entry(Unreadable).get(lambda: pytest.fail("computed"))
    assert entry().get(lambda: pytest.fail("computed")) == Report("page")


def test_an_outdated_result_is_kept_until_there_is_a_new_one(entry):
    def fail():
        raise MemoryError

    entry().get(lambda: Report("old"))
    with pytest.raises(MemoryError):
        entry().get(fail, lambda _: False)
    assert entry().get(lambda: pytest.fail("computed")) == Report("old")


def test_the_key_of_a_result_holds_the_version_of_the_code():
    from orchestration.assets.evaluation import evaluation
    from orchestration.assets.insights import insights

    for asset in (evaluation, insights):
        assert set(asset.code_versions_by_key.values()) == {library_version()}
    assert library_version().startswith(imgsim.__version__)


class Page(Report):
    """A report on a disk that is full after its first file."""

    def save(self, folder):
        """Write a file, then fail."""
        super().save(folder)
        raise OSError(28, "No space left on device", str(folder))


def test_a_result_that_cannot_be_saved_whole_is_not_there(entry):
    with pytest.raises(OSError, match="no space left"):
        entry(Page).get(lambda: Page("page"))
    assert list(entry().folder.parent.iterdir()) == []


def test_a_function_may_write_the_folder_itself(entry):
    place = entry()

    def compute():
        Report("own").save(place.folder)
        return Report("own")

    place.get(compute)
    assert entry().get(lambda: pytest.fail("computed")) == Report("own")


def test_a_picture_is_drawn_once_for_each_result(entry):
    path = entry().sheet("photos", lambda: Image.new("RGBA", (8, 8)))
    assert path == entry().folder.parent / ".pictures" / "key" / "photos.jpg"
    assert entry().sheet("photos", lambda: pytest.fail("drawn again")) == path
    with Image.open(path) as picture:
        assert picture.format == "JPEG"


def test_only_the_last_keys_are_kept(tmp_path):
    results = tmp_path / "images"
    keys = [f"key{i}" for i in range(KEPT + 2)]
    for i, key in enumerate(keys):
        (results / key).mkdir(parents=True)
        (results / ".pictures" / key).mkdir(parents=True)
        point(results, key)
        os.utime(results / key, (i, i))
    assert current(results).name == keys[-1]
    assert sorted(p.name for p in results.iterdir() if p.is_dir()) == [".pictures", *keys[-KEPT:]]
    assert sorted(p.name for p in (results / ".pictures").iterdir()) == keys[-KEPT:]


def test_a_damaged_name_of_the_current_result_is_told_as_such(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "current.json").write_text("{")
    with pytest.raises(ModelFormatError, match=r"current\.json is damaged.*materialise images"):
        current(tmp_path / "images")


def test_no_result_yet(tmp_path):
    with pytest.raises(ModelFormatError, match="materialise images of shells"):
        current(tmp_path / "shells" / "images")


def test_the_current_result_survives_a_clock_that_was_ahead(tmp_path):
    results = tmp_path / "images"
    for key in ("a", "b", "c"):
        (results / key).mkdir(parents=True)
        point(results, key)
        os.utime(results / key, (2e9, 2e9))  # written while the clock was years ahead
    (results / "now").mkdir()
    point(results, "now")
    assert current(results).is_dir()
    assert len([path for path in results.iterdir() if path.is_dir()]) == KEPT
