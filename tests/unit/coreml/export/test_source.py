from copy import copy

import pytest

from imgsim.coreml.export.source import source_network
from imgsim.errors import CoreMLError


def test_the_network_of_bf16_features_is_found(tiny_model):
    references = copy(tiny_model.references)
    references.network = None
    references.backbone = tiny_model.backbone.in_precision("bf16")
    assert source_network(references, None, None).spec.fingerprint == tiny_model.backbone.fingerprint
    with pytest.raises(CoreMLError, match="not the one of the model's features"):
        source_network(references, "resnet18", "random")
