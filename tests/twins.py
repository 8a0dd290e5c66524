"""The insight of the guide "Add an insight": pairs of images that are each other's nearest neighbour."""

import numpy as np
import pandas as pd
import pyarrow as pa

from imgsim.insights.registry import InsightKind
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import Insight, frame
from imgsim.references.references import References

TABLES = {
    "images": of_images(
        pa.field("twin", pa.int32(), nullable=False),  # row of the other one
        pa.field("distance", pa.float32(), nullable=False),
    )
}
ROW = InsightKind(
    name="twins",
    title="Twins",
    description="Images that are each other's nearest neighbour.",
    finder="tests.twins:find_twins",
)


def find_twins(references: References, most: float = 2.0) -> Insight:
    """Find images that are each other's nearest neighbour, at a distance of at most ``most``."""
    nearest, distance = references.graph.neighbors[:, 0], references.graph.distances[:, 0]
    rows = np.arange(len(references))
    twins = rows[(nearest[nearest] == rows) & (distance <= most)]
    columns = {**about(references.images, twins), "twin": nearest[twins], "distance": distance[twins]}
    table = frame(TABLES["images"], columns)
    return Insight("twins", TABLES, {"images": table}, {"twins": float(len(table))}, {"most": most})


def highlights(insight: Insight) -> pd.DataFrame:
    """Return the twins, the nearest first."""
    return insight.tables["images"].sort_values("distance", kind="stable")
