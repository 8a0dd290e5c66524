import numpy as np

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.evaluation.timings import timings


def test_timings_come_from_the_run_and_else_from_the_graph(loaded: Loaded):
    run = {"seconds.features": 9.0, "cpu_seconds.features": 8.0, "seconds.graph": 10.0, "precision_at_10": 0.5}
    table = timings(loaded, run)
    assert table["stage"].tolist() == ["graph", "features"]
    assert table["cpu_seconds"].tolist()[1] == 8.0
    assert np.isnan(table["cpu_seconds"][0])
    assert timings(loaded, {})["stage"].tolist() == ["graph"]
