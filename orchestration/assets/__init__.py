"""images → features → embeddings → neighbor_graph → evaluation → registered_model."""

from orchestration.assets.embeddings import embeddings
from orchestration.assets.evaluation import evaluation
from orchestration.assets.features import features
from orchestration.assets.images import images
from orchestration.assets.neighbor_graph import neighbor_graph
from orchestration.assets.registered_model import registered_model

ASSETS = [images, features, embeddings, neighbor_graph, evaluation, registered_model]

__all__ = ["ASSETS", "embeddings", "evaluation", "features", "images", "neighbor_graph", "registered_model"]
