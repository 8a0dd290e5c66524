from dashboards.services.models.loaded_model import Loaded
from dashboards.views.evaluation.figures import figures
from imgsim.evaluation import metric_titles


def test_figures_are_those_of_the_evaluation_with_their_intervals(loaded: Loaded):
    found = loaded.model.evaluation
    shown = {figure.name: figure for figure in figures(found)}
    assert list(shown) == [name for name in metric_titles(10) if name in found.metrics]
    assert len(shown) >= 5
    precision = shown["precision_at_10"]
    assert precision.value == found.metrics["precision_at_10"]
    assert precision.interval == f"{precision.low:.3f} to {precision.high:.3f}"
    assert precision.low <= precision.value <= precision.high
    assert shown["precision_at_10_macro"].interval == ""


def test_without_labels_only_the_graph_has_a_figure(unlabelled: Loaded):
    assert [figure.name for figure in figures(unlabelled.model.evaluation)] == ["recall_at_10"]
