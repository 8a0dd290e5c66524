import numpy as np
import pytest

from imgsim.insights.labels.calibration import error_probabilities


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.4])
def test_the_share_of_errors_and_the_probabilities_are_right(rng, share):
    n = 20_000
    wrong = rng.random(n) < share
    scores = np.where(wrong, rng.normal(2, 1.5, n), rng.normal(-2, 1.5, n))
    found, rate = error_probabilities(scores, rng.normal(2, 1.5, n))
    true = share * np.exp(-((scores - 2) ** 2) / 4.5)
    true = true / (true + (1 - share) * np.exp(-((scores + 2) ** 2) / 4.5))
    assert rate == pytest.approx(share, rel=0.1, abs=0.002)
    assert np.abs(found - true).mean() < 0.01
    assert found[wrong].sum() + (1 - found[~wrong]).sum() > 0.8 * n


def test_probabilities_never_decrease_with_the_score(rng):
    scores = np.sort(rng.normal(size=300))
    for planted in (rng.normal(3, 1, 300), rng.normal(-3, 1, 300)):
        found, _ = error_probabilities(scores, planted)
        assert (np.diff(found) >= 0).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_no_difference_means_the_prior(rng):
    found, rate = error_probabilities(np.zeros(50), np.zeros(50))
    assert rate < 0.1
    assert np.ptp(found) == 0


def test_a_few_scores_are_enough_for_the_obvious(rng):
    scores = np.concatenate([rng.normal(-8, 2, 29), [10.0]])
    found, rate = error_probabilities(scores, rng.normal(8, 2, 60))
    assert (found[:29] < 0.05).all()
    assert found[29] > 0.5
    assert 0.01 < rate < 0.1
