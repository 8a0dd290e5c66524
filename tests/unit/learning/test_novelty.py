import numpy as np
import pytest

from imgsim.learning.novelty import novel_share

CLASSES = 20


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_the_share_of_new_classes_is_estimated(share):
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(CLASSES), 60)
    rows = (rng.normal(size=(CLASSES, 32))[codes] * 2 + rng.normal(size=(len(codes), 32))).astype(np.float32)
    labelled = np.where((codes < CLASSES // 2) & (rng.random(len(codes)) < 0.3), codes, -1)
    pool = {new: np.flatnonzero((labelled < 0) & ((codes >= CLASSES // 2) == new)) for new in (True, False)}
    count = 300
    asked = np.concatenate([pool[True][: int(share * count)], pool[False][: int((1 - share) * count)]])
    assert novel_share(rows, labelled, asked) == pytest.approx(share, abs=0.12)


def test_what_cannot_be_told_is_new():
    noise = np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)
    codes = np.random.default_rng(1).integers(0, 4, 400)
    codes[200:] = -1
    assert novel_share(noise, codes, np.arange(200, 400)) == 1
    assert novel_share(noise, np.full(400, -1), np.arange(400)) == 1
    assert novel_share(noise, codes, np.arange(0)) == 0
