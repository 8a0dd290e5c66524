"""Assets of the pipeline.

images → features → embeddings → neighbor_graph → evaluation, insights, map, coreml_package, onnx_package →
insight_report, registered_model.
"""

from orchestration.assets.coreml_package import coreml_package
from orchestration.assets.embeddings import embeddings
from orchestration.assets.evaluation import evaluation
from orchestration.assets.features import features
from orchestration.assets.images import images
from orchestration.assets.insight_report import insight_report
from orchestration.assets.insights import insights
from orchestration.assets.map import image_map
from orchestration.assets.neighbor_graph import neighbor_graph
from orchestration.assets.onnx_package import onnx_package
from orchestration.assets.registered_model import registered_model

ASSETS = [
    images,
    features,
    embeddings,
    neighbor_graph,
    evaluation,
    insights,
    image_map,
    coreml_package,
    onnx_package,
    insight_report,
    registered_model,
]

__all__ = [
    "ASSETS",
    "coreml_package",
    "embeddings",
    "evaluation",
    "features",
    "image_map",
    "images",
    "insight_report",
    "insights",
    "neighbor_graph",
    "onnx_package",
    "registered_model",
]
