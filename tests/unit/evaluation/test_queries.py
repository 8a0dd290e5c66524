import numpy as np
import pandas as pd

from imgsim.evaluation.metrics import Evaluation
from imgsim.evaluation.queries import query_differences


def evaluation(precision: list[float], pictures: list[int], k: int = 10) -> Evaluation:
    scores = {name: np.array(precision, np.float32) for name in ("precision", "map", "nn1")}
    return Evaluation({}, pd.DataFrame(), k, pd.DataFrame({"picture": np.array(pictures, np.int32), **scores}))


BEFORE = evaluation([0.5, 0.9, 0.9, np.nan, 0.25, 0.5], [0, 1, 1, 3, 4, 5])


def test_the_largest_loss_comes_first_and_each_picture_once():
    """Rows 1 and 2 show one picture; row 3 is no query; row 4 is not in the second."""
    after = evaluation([0.5, 1.0, 0.25, 0.5, 0.5], [0, 1, 2, 3, 4])
    found = query_differences(BEFORE, after, np.array([1, 2, 3, 0, -1, 4]))
    assert found["row"].tolist() == [1, 5, 0]
    np.testing.assert_allclose(found["difference"], [-0.65, 0.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(found[["before", "after"]].iloc[0], [0.9, 0.25], atol=1e-6)


def test_evaluations_that_cannot_be_compared_have_no_queries():
    across = np.arange(6)
    other = evaluation([0.5] * 6, list(range(6)), k=5)
    without = Evaluation({}, pd.DataFrame(), 10)
    for after in (other, without, None):
        found = query_differences(BEFORE, after, across)
        assert list(found) == ["row", "before", "after", "difference"]
        assert not len(found)
