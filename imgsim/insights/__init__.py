"""Insights: duplicates, outliers, label errors, clusters and more, computed from a model's neighbour graph.

>>> from imgsim.insights.compute import compute
>>> compute(model, ["duplicates", "outliers"])  # doctest: +SKIP
>>> model.insight("duplicates").tables["groups"]  # doctest: +SKIP

Each insight is a function of a model that returns an `imgsim.references.insight.Insight`; nothing heavy is imported
until one is computed.
"""
