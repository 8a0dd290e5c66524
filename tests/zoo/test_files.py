"""Every file of the zoo goes through scan and extraction and ends as foretold: right pixels, or path, stage, reason."""

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import imgsim
from imgsim.decoding.decode import decode
from tests.zoo import jpegs, others, pngs
from tests.zoo.making import Bad, Good

ZOO = {
    f"{kind}: {name}": file
    for kind, files in (("JPEG", jpegs.files()), ("PNG", pngs.files()), ("other", others.files()))
    for name, file in files.items()
}
if find_spec("pillow_heif") is not None:
    ZOO |= {f"other: {name}": file for name, file in others.heic().items()}


@dataclass(frozen=True)
class Outcome:
    """What became of the zoo: accepted paths with their vectors, rejected paths with stage and reason."""

    features: dict[str, np.ndarray]
    rejected: dict[str, tuple[str, str]]


def path_of(name: str) -> str:
    """Where a file of the zoo lies below the folder."""
    return f"{list(ZOO).index(name):03d}/{ZOO[name].name}"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, tiny_store: imgsim.FeatureStore) -> Outcome:
    """The zoo as one folder, read, decoded and embedded once."""
    root = tmp_path_factory.mktemp("zoo")
    for name, file in ZOO.items():
        target = root / path_of(name)
        target.parent.mkdir()
        target.write_bytes(file.data)
    images = imgsim.load_images(root)
    features = imgsim.extract_features(images, imgsim.get_backbone("mini"), tiny_store)
    rejected = features.images.rejected
    assert len(features.images) + len(rejected) == len(ZOO)
    return Outcome(
        dict(zip(features.images.paths, features.matrix, strict=True)),
        {row["path"]: (row["stage"], row["reason"]) for row in rejected.to_dict("records")},
    )


def test_the_zoo_is_large() -> None:
    assert len(ZOO) >= 120
    assert sum(isinstance(file, Bad) for file in ZOO.values()) >= 60
    assert sum(isinstance(file, Good) for file in ZOO.values()) >= 60


@pytest.mark.parametrize("name", [name for name, file in ZOO.items() if isinstance(file, Good)])
def test_accepted(name: str, outcome: Outcome) -> None:
    file = ZOO[name]
    assert outcome.rejected.get(path_of(name)) is None
    assert np.isfinite(outcome.features[path_of(name)]).all()
    pixels = decode(file.data)
    assert pixels.shape == file.pixels.shape
    assert np.abs(pixels.astype(int) - file.pixels).mean() <= file.tolerance


@pytest.mark.parametrize("name", [name for name, file in ZOO.items() if isinstance(file, Bad)])
def test_rejected(name: str, outcome: Outcome) -> None:
    file = ZOO[name]
    assert path_of(name) not in outcome.features
    stage, reason = outcome.rejected[path_of(name)]
    assert re.fullmatch(file.stage, stage)
    assert re.search(file.reason, reason), reason
    assert "/" + path_of(name) not in reason  # the path is a column of its own
    assert "\n" not in reason


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_copy_has_the_features_of_the_upright_one(orientation: int, outcome: Outcome) -> None:
    upright = outcome.features[path_of("PNG: orientation 1")]
    assert np.array_equal(outcome.features[path_of(f"PNG: orientation {orientation}")], upright)
    lossy, turned = (outcome.features[path_of(f"JPEG: orientation {value}")] for value in (1, orientation))
    assert lossy @ turned / np.linalg.norm(lossy) / np.linalg.norm(turned) > 0.999


def test_not_a_word_on_stderr(tmp_path: Path) -> None:
    """A codec that speaks would speak into the progress bar."""
    for number, file in enumerate(ZOO.values()):
        (tmp_path / f"{number:03d}.bin").write_bytes(file.data)
    code = (
        "import sys, pathlib\nfrom imgsim.decoding.decode import decode, probe\nfrom imgsim.errors import ImageError\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    for read in (probe, decode):\n        try: read(path.read_bytes())\n        except ImageError: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.skipif(find_spec("pillow_heif") is None, reason="HEIC pictures count too")
def test_the_documents_count_these_files() -> None:
    root = Path(__file__).parents[2]
    good = sum(isinstance(file, Good) for file in ZOO.values())
    assert f"Each of {len(ZOO)} files" in (root / "SECURITY.md").read_text()
    assert f"`tests/zoo` has {len(ZOO)} of them" in (root / "docs/explanation/measurements.md").read_text()
    assert f"{len(ZOO)} files: cut," in (root / "docs/benchmarks.json").read_text()
    assert (
        f"{good} accepted with the right pixels, {len(ZOO) - good} reject"
        in (root / "docs/benchmarks.json").read_text()
    )
