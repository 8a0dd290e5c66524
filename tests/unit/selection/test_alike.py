import numpy as np
import pytest

from imgsim.selection.alike import LEAST_PAIRS, AlikeByDistance


def test_probabilities_fall_with_the_distance_as_labels_show():
    rng = np.random.default_rng(0)
    distances = rng.uniform(0, 2, 4000).astype(np.float32)
    same = rng.random(4000) < 1 - distances / 2
    asked = np.linspace(0, 2.5, 40)
    found = AlikeByDistance(distances, same, 1.0)(asked)
    assert (np.diff(found) <= 0).all()
    assert found == pytest.approx(np.clip(1 - asked / 2, 0, 1), abs=0.15)


def test_few_pairs_teach_nothing():
    distances = np.linspace(0, 1, LEAST_PAIRS - 1).astype(np.float32)
    found = AlikeByDistance(distances, np.zeros(len(distances), bool), 0.8)(np.array([0, 0.8, 1.6]))
    assert found.tolist() == [1, 0.5, 0.0625]
