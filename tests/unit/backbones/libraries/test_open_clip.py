"""Networks of open_clip: the features, texts and scores of the library's own code, for the same pixels."""

import json
from pathlib import Path

import numpy as np
import pytest

from imgsim.backbones.get import get_backbone
from imgsim.backbones.text.tokenizer import open_tokenizer, tokens
from imgsim.errors import ArgumentError, BackboneError

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from tests.text_networks import CONTEXT, TEXTS, picture, random_open_clip  # noqa: E402
from tests.unit.backbones.libraries.same_features import cosine, feature  # noqa: E402


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("open_clip")
    return {
        "clip": random_open_clip(base / "clip"),
        "siglip": random_open_clip(base / "siglip", "siglip", "squash"),
    }


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_features_and_texts_are_the_librarys_own(folders: dict[str, Path], kind: str) -> None:
    name = f"local-dir:{folders[kind]}"
    network, preprocess = open_clip.create_model_from_pretrained(name)
    backbone = get_backbone(name, resize="model")
    tower = backbone.text()
    ids = tokens(open_tokenizer(tower.tokenizer, CONTEXT), TEXTS)
    with torch.inference_mode():
        for seed in (1, 2):
            expected = network.eval().encode_image(preprocess(picture(seed))[None])
            assert cosine(feature(backbone, picture(seed)), expected) >= 0.99999
        texts = network.encode_text(open_clip.get_tokenizer(name)(TEXTS)).numpy()
        found = tower.module(torch.from_numpy(ids)).numpy()
    assert min(cosine(one, other) for one, other in zip(found, texts, strict=True)) >= 0.99999
    assert cosine(found[0], found[1]) < 0.999
    assert tower.logit_scale == pytest.approx(float(network.logit_scale.detach().exp()), rel=1e-5)
    bias = None if network.logit_bias is None else pytest.approx(float(network.logit_bias.detach()))
    assert tower.logit_bias == bias
    assert all(list(tower.ids_of(text)) == row for text, row in zip(TEXTS, ids.tolist(), strict=True))
    assert backbone.spec.licence == "mit"


def test_other_sizes_and_ways_of_resizing_are_other_networks(folders: dict[str, Path]) -> None:
    name = f"local-dir:{folders['clip']}"
    own = get_backbone(name)
    larger = get_backbone(name, image_size=48)
    assert get_backbone(name, image_size=32).spec.fingerprint == own.spec.fingerprint
    prints = {own.spec.fingerprint, larger.spec.fingerprint, get_backbone(name, resize="model").spec.fingerprint}
    assert len(prints) == 3
    assert feature(larger, picture()).shape == (24,)
    expected, preprocess = open_clip.create_model_from_pretrained(name, force_image_size=48)
    squashed = picture().resize((48, 48), 3)
    with torch.inference_mode():
        vector = expected.eval().encode_image(preprocess(squashed)[None])
    assert cosine(feature(larger, picture()), vector) >= 0.99999


def test_random_weights_are_seeded_and_a_file_is_checked(folders: dict[str, Path], tmp_path: Path) -> None:
    name = f"local-dir:{folders['clip']}"
    drawn = [feature(get_backbone(name, weights="random"), picture()) for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    assert cosine(drawn[0], feature(get_backbone(name), picture())) < 0.99
    (tmp_path / "w.safetensors").write_bytes((folders["siglip"] / "model.safetensors").read_bytes())
    wrong = get_backbone(name, weights=tmp_path / "w.safetensors")
    with pytest.raises(BackboneError, match=r"w\.safetensors is not a state dict"):
        wrong.build()


def test_longest_is_refused_unless_stretched(tmp_path: Path) -> None:
    folder = random_open_clip(tmp_path / "n", resize_mode="longest")
    assert get_backbone(f"local-dir:{folder}").spec.crop_from == 0
    with pytest.raises(BackboneError, match="'longest' to 32 x 32, which imgsim does not do; use resize='stretch'"):
        get_backbone(f"local-dir:{folder}", resize="model")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("open_clip:ViT-B-32", "does not say which weights: write open_clip:ViT-B-32/PRETRAINED, one of openai"),
        ("open_clip:ViT-B-32/nothing", "no weights 'nothing' for ViT-B-32; it has openai"),
        ("open_clip:ViT-B-33/openai", r"no network 'ViT-B-33'\. Near: ViT-B-32"),
        ("open_clip:nonsense", "no network 'nonsense'"),
    ],
)
def test_names_that_open_clip_does_not_know(name: str, reason: str) -> None:
    with pytest.raises(BackboneError, match=reason):
        get_backbone(name)


@pytest.mark.parametrize("name", ["ViT-B-32/openai", "ViT-B/32/openai", "ViT-B-32__laion2b_s34b_b79k"])
def test_names_of_weights_that_are_not_here(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BackboneError, match=r"is not in the cache .* HF_HUB_OFFLINE is set.* pass weights='FILE'"):
        get_backbone(f"open_clip:{name}", cache_dir=tmp_path)


def test_a_name_with_random_weights_and_the_tags_activation() -> None:
    plain = get_backbone("open_clip:ViT-B-32", weights="random")
    trained = get_backbone("open_clip:ViT-B-32/openai", weights="random")  # OpenAI's own: trained with QuickGELU
    assert plain.spec.fingerprint != trained.spec.fingerprint
    assert (plain.spec.height, plain.spec.has_text, plain.spec.interpolation) == (224, True, "bicubic")
    assert plain.spec.name == "open_clip:ViT-B-32"
    with pytest.raises(ArgumentError, match="no option pooling="):
        get_backbone("open_clip:ViT-B-32", weights="random", pooling="mean")


def test_a_broken_config_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["clip"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"embed_dim": 3}}))
    with pytest.raises(BackboneError, match=r"open_clip_config\.json is no configuration of open_clip"):
        get_backbone(f"local-dir:{tmp_path}")
