"""Weights as coremltools compresses them: a layer must answer as with the weights that coremltools unpacks."""

import functools
import gc

import numpy as np
import pytest
import torch
from torch import nn

from imgsim.coreml import Interpreter
from imgsim.coreml.runtime.package import read_package
from imgsim.coreml.runtime.program import read_program

KINDS = {
    "affine_int8": ("iOS16", "linear", {"mode": "linear", "dtype": "uint8"}),
    "affine_symmetric": ("iOS16", "linear", {"mode": "linear_symmetric", "dtype": "int8"}),
    "affine_tensor": ("iOS17", "linear", {"dtype": "int8", "granularity": "per_tensor"}),
    "palette_6": ("iOS16", "palette", {"nbits": 6, "mode": "uniform"}),
    "palette_2": ("iOS16", "palette", {"nbits": 2, "mode": "uniform"}),
    "palette_4_18": ("iOS18", "palette", {"nbits": 4, "mode": "uniform"}),
    "palette_3_18": ("iOS18", "palette", {"nbits": 3, "mode": "uniform"}),
    "palette_1_18": ("iOS18", "palette", {"nbits": 1, "mode": "uniform"}),
    "palette_6_groups": (
        "iOS18",
        "palette",
        {"nbits": 6, "mode": "uniform", "granularity": "per_grouped_channel", "group_size": 4},
    ),
    "palette_vectors": ("iOS18", "palette", {"nbits": 4, "mode": "kmeans", "cluster_dim": 2}),
    "blocks_int4": ("iOS18", "linear", {"dtype": "int4", "granularity": "per_block", "block_size": 8}),
    "blocks_uint4": (
        "iOS18",
        "linear",
        {"mode": "linear", "dtype": "uint4", "granularity": "per_block", "block_size": 4},
    ),
    "channels_int8": ("iOS18", "linear", {"dtype": "int8"}),
    "sparse": ("iOS16", "prune", {"target_sparsity": 0.6}),
    "sparse_18": ("iOS18", "prune", {"target_sparsity": 0.6}),
}


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 16, 3, 2), nn.Linear(16, 24)

    def forward(self, x):
        return self.second(self.first(x).relu().mean((2, 3)))


@pytest.fixture(scope="module")
def converted(convert, quietly):
    """``converted(precision, target)``: coremltools' model of `Small` and its path, converted once each."""

    @functools.cache
    def make(precision, target):
        kept = []
        path = convert(
            Small(), 16, precision=precision, target=target, change=lambda model: kept.append(model) or model
        )
        return kept[0], path

    yield make
    with quietly():  # its models complain when they clean up
        make.cache_clear()
        gc.collect()


@pytest.fixture
def compressed(converted, quietly, tmp_path):
    """``compressed(name, precision)``: paths of `Small` as it is, compressed, and compressed and unpacked again."""
    import coremltools.optimize.coreml as optimize

    passes = {
        "linear": (optimize.OpLinearQuantizerConfig, optimize.linear_quantize_weights),
        "palette": (optimize.OpPalettizerConfig, optimize.palettize_weights),
        "prune": (optimize.OpMagnitudePrunerConfig, optimize.prune_weights),
    }

    def make(name, precision):
        target, kind, options = KINDS[name]
        settings, function = passes[kind]
        with quietly():
            model, path = converted(precision, target)
            small = function(model, optimize.OptimizationConfig(global_config=settings(**options, weight_threshold=0)))
            small.save(str(tmp_path / "small.mlpackage"))
            large = optimize.decompress_weights(small)
            large.save(str(tmp_path / "large.mlpackage"))
            del small, large, model
            gc.collect()
        return path, tmp_path / "small.mlpackage", tmp_path / "large.mlpackage"

    return make


def constexprs(path):
    kinds = {operation.kind for operation in read_program(read_package(path)).operations}
    return {kind for kind in kinds if kind.startswith("constexpr_")}


@pytest.mark.parametrize(
    ("name", "precision"),
    [(name, "FLOAT32") for name in KINDS] + [(name, "FLOAT16") for name in ("affine_int8", "palette_6", "blocks_int4")],
)
def test_compressed_weights_answer_as_unpacked_ones(name, precision, compressed, picture):
    pixels = picture(16)
    plain, small, large = compressed(name, precision)
    assert constexprs(small)
    assert not constexprs(large)
    before, actual, expected = (Interpreter(path).run(pixels)["feature"] for path in (plain, small, large))
    tolerance = 1e-6 if precision == "FLOAT32" else 2e-3
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    assert not np.array_equal(actual, before)
