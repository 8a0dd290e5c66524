"""What a model is, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel
    from imgsim.references.insight import Insight

OUTPUTS = ("print", "str", "dict")


def summarize(model: SimilarityModel, output: str = "print") -> Any:
    """Print, or return as text or as nested dict.

    Raises
    ------
    ArgumentError
        An unknown output.
    """
    if output not in OUTPUTS:
        raise ArgumentError(f"output must be one of {', '.join(OUTPUTS)}, not {output!r}.")
    sections = _sections(model)
    if output == "dict":
        return sections
    lines = ["SimilarityModel"]
    for title, rows in sections.items():
        lines += ["", title, "-" * len(title)]
        lines += [f"{name:<24}: {_text(value)}" for name, value in rows.items()]
    text = "\n".join(lines)
    if output == "str":
        return text
    print(text)  # noqa: T201  the one function whose job it is
    return None


def _sections(model: SimilarityModel) -> dict[str, dict[str, Any]]:
    backbone = model.backbone
    projected = model.projection is not None
    sections: dict[str, dict[str, Any]] = {
        "Images": {
            "images": len(model),
            "rejected": len(model.rejected),
            "labels": len({label for label in model.images.labels if label is not None}),
            "called by": model.label_column or "id",
        },
        "Embedding": {
            "backbone": backbone.name,
            "weights": backbone.weights,
            "input": f"{backbone.height} x {backbone.width} RGB, stretched" if backbone.height else "vectors",
            "feature": backbone.dim,
            "embedding": int(model.embeddings.shape[1]),
            "projection": "signed sqrt, L2, PCA, / sd^0.5, L2" if projected else "none",
            "distance": "euclidean",
        },
        "Graph": {"method": model.graph.method, "neighbours": model.graph.k},
    }
    if model.evaluation is not None:
        known = model.evaluation.metrics
        sections["Evaluation"] = {name: value for name, value in known.items() if not name.endswith(("_low", "_high"))}
    if model.insights:
        sections["Insights"] = {name: _found(model.insights[name]) for name in sorted(model.insights)}
    return sections


def _found(insight: Insight) -> str:
    """The numbers of an insight, the first few, in one line."""
    return ", ".join(f"{name} {_text(value)}" for name, value in list(insight.metrics.items())[:4]) or "nothing"


def _text(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4f}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)
