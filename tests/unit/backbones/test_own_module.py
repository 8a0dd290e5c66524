"""Your own network: it comes back as it was, its outputs are understood, and its code is in the fingerprint."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.own_module import from_module
from imgsim.backbones.preprocessing import pixel_module
from imgsim.backbones.probe import probe_pictures, sketch
from imgsim.backbones.runtime import TorchRuntime


class Network(nn.Module):
    """A convolution, and whatever ``forward`` a test gives it."""

    input_size = 16

    def __init__(self, head=lambda maps: maps.mean((2, 3))):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.convolution = nn.Conv2d(3, 6, 3, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.head = head

    def forward(self, x):
        return self.head(self.drop(self.norm(self.convolution(x))))


def run(module: nn.Module) -> np.ndarray:
    return TorchRuntime(from_module(module), "cpu")(probe_pictures(16, 16))


EXPECTED = run(Network())


def state_of(module: nn.Module):
    tensors = {
        key: (value.dtype, value.clone(), value.requires_grad)
        for key, value in module.state_dict(keep_vars=True).items()
    }
    return (
        [part.training for part in module.modules()],
        [len(part._forward_hooks) for part in module.modules()],
        tensors,
    )


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_a_module_comes_back_as_it_went_in(kind, tiny_images, tmp_path):
    module = Network().to(kind)
    module.norm.eval()
    module.convolution.weight.requires_grad_(False)
    modes, hooks, tensors = state_of(module)
    random = torch.get_rng_state()
    backbone = get_backbone(module)
    imgsim.extract_features(imgsim.load_images(tiny_images)[:3], backbone, imgsim.FeatureStore(tmp_path))
    modes_after, hooks_after, tensors_after = state_of(module)
    assert (modes, hooks) == (modes_after, hooks_after)
    for key, (dtype, value, gradient) in tensors.items():
        assert (tensors_after[key][0], tensors_after[key][2]) == (dtype, gradient)
        assert torch.equal(tensors_after[key][1], value)
    assert torch.equal(torch.get_rng_state(), random)


def test_a_backbone_does_not_follow_its_module(tmp_path):
    module = Network()
    backbone = from_module(module)
    with torch.no_grad():
        module.convolution.weight.zero_()
    np.testing.assert_allclose(TorchRuntime(backbone, "cpu")(probe_pictures(16, 16)), EXPECTED, rtol=1e-5, atol=1e-6)
    assert backbone.spec.fingerprint != from_module(module).spec.fingerprint


Named = namedtuple("Named", ["logits", "pooler_output"])


@dataclass
class Output:
    loss: None
    last_hidden_state: torch.Tensor
    pooler_output: torch.Tensor


HEADS = {
    "maps": lambda maps: maps,
    "channels last": lambda maps: maps.to(memory_format=torch.channels_last),
    "tokens": lambda maps: maps.flatten(2).transpose(1, 2),
    "tuple": lambda maps: (maps.mean((2, 3)), maps),
    "nested list": lambda maps: [[None, maps]],
    "mapping": lambda maps: {"features": maps.mean((2, 3)), "other": maps * 2},
    "ordered": lambda maps: OrderedDict(last_hidden_state=maps * 2, pooler_output=maps.mean((2, 3))),
    "named": lambda maps: Named(maps * 2, maps.mean((2, 3))),
    "dataclass": lambda maps: Output(None, maps * 2, maps.mean((2, 3))),
    "pooled maps": lambda maps: maps.mean((2, 3), keepdim=True),
    "squeezed": lambda maps: maps.mean((2, 3), keepdim=True).squeeze(),
    "64 bits": lambda maps: maps.mean((2, 3)).double(),
}


@pytest.mark.parametrize("name", HEADS)
def test_any_output_becomes_one_feature(name):
    np.testing.assert_allclose(run(Network(HEADS[name])), EXPECTED, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float16, 2e-2), (torch.bfloat16, 1e-1), (torch.float64, 1e-5)])
def test_code_that_insists_on_its_float_type_runs_in_it(kind, tolerance):
    module = Network().to(kind)
    module.register_forward_pre_hook(lambda _, inputs: (inputs[0].to(kind),))
    features = run(module)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, EXPECTED, atol=tolerance)


def test_half_precision_weights_run_in_32_bits():
    np.testing.assert_allclose(run(Network().half()), EXPECTED, atol=1e-3)


def test_another_forward_is_another_backbone():
    prints = {
        from_module(Network(head)).spec.fingerprint
        for head in (
            lambda maps: maps.mean((2, 3)),
            lambda maps: maps.amax((2, 3)),
            lambda maps: 1.01 * maps.mean((2, 3)),
        )
    }
    assert len(prints) == 3
    assert from_module(Network()).spec.fingerprint == from_module(Network().train()).spec.fingerprint


def test_rounding_noise_is_no_other_backbone(rng):
    features = rng.standard_normal((3, 500)).astype(np.float32)
    noisy = [features * (1 + 1e-7 * rng.standard_normal(features.shape)).astype(np.float32) for _ in range(100)]
    assert sum(sketch(each) != sketch(features) for each in noisy) <= 1
    changed = [features + 0.02 * rng.standard_normal(features.shape).astype(np.float32) for _ in range(100)]
    assert all(sketch(each) != sketch(features) for each in changed)
    assert sketch(np.full((3, 5), np.nan, np.float32)) != sketch(np.zeros((3, 5), np.float32))


def test_fingerprints_of_our_own_networks_stand_for_their_code():
    """Change the fingerprint (its weights) wherever the network's code changes: features are kept by it."""
    with torch.inference_mode():
        pictures = torch.from_numpy(probe_pictures(96, 96))
        mini = sketch(pixel_module(get_backbone("mini"))(pictures).numpy())
    assert (get_backbone("mini").spec.fingerprint, mini[:16]) == ("mini-635e0cb0253b7798", "f143ae774635d4cc")


def test_what_a_network_cannot_do_is_told_with_its_reason():
    with pytest.raises(
        imgsim.BackboneError, match=r"Network cannot run on a picture of 2 x 2 pixels: RuntimeError: .*input_size"
    ):
        from_module(Network(), input_size=2)
    with pytest.raises(imgsim.BackboneError, match="it returns no tensor"):
        from_module(Network(lambda maps: None))
    with pytest.raises(imgsim.BackboneError, match="run it once on a picture first"):
        from_module(nn.LazyConv2d(3, 3))
    module = Network()
    module.lock = __import__("threading").Lock()
    with pytest.raises(imgsim.BackboneError, match=r"Network cannot be copied: .*lock"):
        from_module(module)


def test_weights_computed_from_others_are_copied_too():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    module[0].computed = module[0].weight * 2
    assert run(module).shape == (3, 4)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [(lambda x: x.mean((2, 3))[:, :0], "without values"), (lambda x: torch.fft.fft(x.mean((2, 3))), "complex numbers")],
)
def test_outputs_that_are_no_features_are_refused(forward, reason):
    class Odd(nn.Module):
        def forward(self, x):
            return forward(x)

    with pytest.raises(imgsim.BackboneError, match=reason):
        from_module(Odd(), input_size=16)


@pytest.mark.parametrize("attributes", [{"input_size": "x"}, {"input_size": (1, 2, 3)}, {"mean": 5.0}, {"std": "abc"}])
def test_attributes_of_another_kind_are_refused(attributes):
    module = nn.Conv2d(3, 4, 3)
    for name, value in attributes.items():
        setattr(module, name, value)
    with pytest.raises(imgsim.BackboneError, match="input_size of Conv2d must be"):
        from_module(module)
