"""What the graph knows about your images.

>>> from imgsim import insights
>>> insights.compute(model, ["duplicates", "outliers"])  # doctest: +SKIP
>>> model.insight("duplicates").tables["groups"]  # doctest: +SKIP

Each insight is a function of a model that returns an `imgsim.insights.insight.Insight`; nothing heavy is imported
until one is computed.
"""

from imgsim.insights.computing import NAMES, Computation, compute

__all__ = ["NAMES", "Computation", "compute"]
