import numpy as np
import pytest

import imgsim
from dashboards.services.models.loaded_model import KEY_LENGTH, Loaded


def test_every_key_leads_back_to_its_row(loaded: Loaded):
    keys = [loaded.key(row) for row in range(len(loaded))]
    assert [loaded.row(key) for key in keys] == list(range(len(loaded)))
    assert len(set(keys)) == len(keys)


def test_the_key_of_a_file_is_the_start_of_its_content_hash(loaded: Loaded, twins: tuple[int, int]):
    first, second = twins
    assert loaded.key(first) == loaded.model.images.sha256[first][:KEY_LENGTH]
    assert loaded.key(second) == f"r{second}"


def test_rows_by_id_path_and_number(loaded: Loaded):
    assert loaded.row(str(loaded.model.ids[5])) == 5
    assert loaded.row(loaded.model.images.paths[7]) == 7
    assert loaded.row(f" {loaded.key(9)} ") == 9
    assert loaded.row("r3") == 3


def test_names_of_nothing(loaded: Loaded):
    for name in ("", "nothing", f"r{len(loaded)}", "r-1", "r9999999999999", "r²"):
        assert loaded.row(name) is None, name


def test_labels_and_codes_agree(loaded: Loaded):
    assert list(loaded.labels) == sorted(set(loaded.labels))
    for label, code in zip(loaded.model.images.labels, loaded.label_codes, strict=True):
        assert label == (loaded.labels[code] if code >= 0 else None)


def test_files_with_the_same_bytes_share_a_group(loaded: Loaded):
    shas = np.array(loaded.model.images.sha256)
    several = [sha for sha, count in zip(*np.unique(shas, return_counts=True), strict=True) if count > 1]
    assert several
    for sha in several:
        groups = set(loaded.duplicate_group[shas == sha].tolist())
        assert len(groups) == 1
        assert groups != {-1}


def test_without_insights_nothing_is_a_duplicate(loaded: Loaded):
    bare = Loaded("imgsim-bare", "1", "bare", loaded.model)
    bare.insight = lambda name: None  # type: ignore[method-assign]
    assert (bare.duplicate_group == -1).all()


def test_in_degrees_count_the_lists(loaded: Loaded):
    graph = loaded.model.graph
    assert loaded.in_degree.sum() == graph.neighbors.size
    assert loaded.in_degree[3] == int((graph.neighbors == 3).sum())


def test_distances_of_unit_vectors_reach_two(loaded: Loaded):
    assert loaded.unit_length
    assert loaded.max_distance == 2.0


@pytest.mark.parametrize("scale", [1e-3, 0.7, 40.0])
@pytest.mark.parametrize("far", [0.0, 500.0])
def test_no_two_images_of_raw_features_are_further_apart_than_the_reach(
    rng: np.random.Generator, scale: float, far: float
):
    vectors = (scale * (far + rng.normal(size=(60, 5)))).astype(np.float32)
    raw = Loaded("raw", "1", "t", imgsim.create(embeddings=vectors, k=5, progress=False))
    widest = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2).max()
    assert not raw.unit_length
    assert widest <= raw.max_distance <= 2.3 * widest
