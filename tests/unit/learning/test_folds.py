import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsim.learning.folds import class_groups, picture_folds


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 30)), min_size=1, max_size=60), st.integers(2, 5))
def test_copies_are_in_one_fold_and_images_without_class_in_none(images, count):
    codes, pictures = np.array(images).T
    folds = picture_folds(codes, pictures, count)
    assert ((folds >= 0) == (codes >= 0)).all()
    assert folds.max() < count
    for picture in np.unique(pictures):
        assert len(np.unique(folds[(pictures == picture) & (codes >= 0)])) <= 1


def test_each_fold_holds_its_share_of_every_class():
    codes = np.repeat(np.arange(7), 23)
    folds = picture_folds(codes, np.arange(len(codes)), 5)
    counts = np.stack([np.bincount(folds[codes == code], minlength=5) for code in range(7)])
    assert np.ptp(counts, axis=1).max() == 1
    assert np.ptp(counts.sum(axis=0)) <= 1


def test_groups_of_classes_are_equally_large():
    assert sorted(np.bincount(class_groups(101, 2)).tolist()) == [50, 51]
