"""Test images of an export."""

import numpy as np
import pytest

from imgsim.backbones.preprocessing import input_pixels
from imgsim.deployment.probes import chosen_probes, reference_probes
from imgsim.errors import ArgumentError, ArgumentTypeError


def test_large_pictures_are_reduced_first_and_asked_as_they_are_then(tiny_model):
    for largest in (None, 100):
        for probe in reference_probes(tiny_model.references, 3, largest=largest):
            assert max(probe.picture.shape) <= (largest or 200)
            assert np.array_equal(probe.pixels, input_pixels(probe.picture, tiny_model.backbone))
            expected = tiny_model.query(probe.picture, k=1)
            assert probe.distances.min() == pytest.approx(expected["distance"][0], abs=1e-6)
            assert probe.source == "file"


def test_pictures_of_the_caller_keep_their_size(tiny_model, rng):
    noise = rng.integers(0, 256, (300, 50, 3), np.uint8)
    (probe,) = chosen_probes(tiny_model.references, [noise], largest=100)
    assert np.array_equal(probe.picture, noise)
    assert probe.source == "given"
    with pytest.raises(ArgumentError, match="images must be at least 1"):
        chosen_probes(tiny_model.references, 0)
    with pytest.raises(ArgumentError, match="no images to verify with"):
        chosen_probes(tiny_model.references, [])
    with pytest.raises(ArgumentTypeError, match="must be paths, bytes or uint8 arrays"):
        chosen_probes(tiny_model.references, [noise.astype(float)])
