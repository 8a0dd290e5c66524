"""Networks of transformers: the features and texts of the library's own code, for the same pixels."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.preprocessing import input_pixels
from imgsim.backbones.runtime import OnnxRuntime
from imgsim.backbones.text.export import export_text
from imgsim.backbones.text.files import TextFiles
from imgsim.backbones.text.runtime import TextRuntime
from imgsim.errors import ArgumentError, BackboneError, MissingExtraError

torch = pytest.importorskip("torch")
library = pytest.importorskip("transformers")
pytest.importorskip("open_clip")  # carries the vocabulary of the small CLIP

from tests.text_networks import TEXTS, picture, random_transformers  # noqa: E402
from tests.unit.backbones.libraries.same_features import cosine, feature  # noqa: E402

KINDS = ("clip", "siglip", "dinov2", "vit", "convnext")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("transformers")
    return {kind: random_transformers(base / kind, kind) for kind in (*KINDS, "vit_classes")}


def own_network(folder: Path) -> Any:
    return library.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()


def own_feature(folder: Path, image: Any) -> np.ndarray:
    """The vector as the library's documentation computes it."""
    network = own_network(folder)
    inputs = library.AutoImageProcessor.from_pretrained(folder)(images=image, return_tensors="pt")
    with torch.inference_mode():
        if hasattr(network, "get_image_features"):
            return network.get_image_features(**inputs).pooler_output.numpy()[0]
        return network(**inputs).pooler_output.flatten(1).numpy()[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(91, 64), (50, 83)])
def test_features_are_the_librarys_own(folders: dict[str, Path], kind: str, size: tuple[int, int]) -> None:
    backbone = get_backbone(f"transformers:{folders[kind]}", resize="model")
    assert cosine(feature(backbone, picture(3, size)), own_feature(folders[kind], picture(3, size))) >= 0.99999
    assert backbone.spec.has_text == (kind in ("clip", "siglip"))
    assert backbone.spec.licence == "mit"


@pytest.mark.parametrize("kind", ["siglip", "dinov2"])
def test_exported_features_and_texts_are_the_librarys_own(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    folder = folders[kind]
    backbone = get_backbone(f"local-dir:{folder}", resize="model")
    export_onnx(backbone, tmp_path / "made")
    found = OnnxRuntime(tmp_path / "made" / ONNX_FILE)(input_pixels(picture(5), backbone.spec)[None])[0]
    assert cosine(found, own_feature(folder, picture(5))) >= 0.99999
    if kind == "siglip":
        export_text(backbone, tmp_path / "text")
        files = TextFiles.load(tmp_path / "text")
        check_texts(TextRuntime(files)(TEXTS), folder, 64)
        network = own_network(folder)
        assert files.settings.logit_scale == pytest.approx(float(network.logit_scale.detach().exp()))
        assert files.settings.logit_bias == pytest.approx(float(network.logit_bias.detach()))


def test_the_text_tower_of_clip(folders: dict[str, Path]) -> None:
    from imgsim.backbones.text.tokenizer import open_tokenizer, tokens

    tower = get_backbone(f"transformers:{folders['clip']}").text()
    ids = tokens(open_tokenizer(tower.tokenizer, 77), TEXTS)
    with torch.inference_mode():
        check_texts(tower.module(torch.from_numpy(ids)).numpy(), folders["clip"], 77)
    assert tower.logit_bias is None


def check_texts(vectors: np.ndarray, folder: Path, context: int) -> None:
    tokenizer, network = library.AutoTokenizer.from_pretrained(folder), own_network(folder)
    inputs = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=context, return_tensors="pt")
    with torch.inference_mode():
        expected = network.get_text_features(input_ids=inputs.input_ids).pooler_output.numpy()
    assert min(cosine(one, other) for one, other in zip(vectors, expected, strict=True)) >= 0.99999
    assert cosine(vectors[0], vectors[1]) < 0.999  # they are not all alike


def test_a_tower_of_pictures_alone_is_what_pooling_gives(folders: dict[str, Path]) -> None:
    image, network = picture(2), own_network(folders["dinov2"])
    inputs = library.AutoImageProcessor.from_pretrained(folders["dinov2"])(images=image, return_tensors="pt")
    with torch.inference_mode():
        hidden = network(**inputs).last_hidden_state[0]
    patches = hidden[1:]
    expected = {"cls": hidden[0], "mean": patches.mean(0), "gem": patches.clamp(min=1e-6).pow(3).mean(0).pow(1 / 3)}
    name, prints = f"transformers:{folders['dinov2']}", set()
    for pooling, vector in expected.items():
        backbone = get_backbone(name, resize="model", pooling=pooling)
        assert cosine(feature(backbone, image), vector) >= 0.99999
        prints.add(backbone.spec.fingerprint)
    assert len(prints) == 3
    plain = get_backbone(f"transformers:{folders['clip']}", pooling="mean")
    assert not plain.spec.has_text
    assert plain.text is None
    for kind in ("siglip", "convnext"):
        with pytest.raises(BackboneError, match="no class token"):
            feature(get_backbone(f"transformers:{folders[kind]}", pooling="cls"), image)


def test_another_size(folders: dict[str, Path]) -> None:
    name = f"transformers:{folders['vit']}"
    larger, own = get_backbone(name, image_size=64), get_backbone(name, image_size=48)
    assert feature(larger, picture()).shape == feature(own, picture()).shape
    assert own.spec.fingerprint == get_backbone(name).spec.fingerprint != larger.spec.fingerprint
    inputs = library.AutoImageProcessor.from_pretrained(folders["vit"], size={"height": 64, "width": 64})
    with torch.inference_mode():
        values = inputs(images=picture(), return_tensors="pt")
        expected = own_network(folders["vit"])(**values, interpolate_pos_encoding=True).pooler_output
    assert cosine(feature(larger, picture()), expected) >= 0.99999


def test_a_pooling_layer_without_weights_is_left_out(folders: dict[str, Path]) -> None:
    folder = folders["vit_classes"]  # saved with a classifier: AutoModel would make random numbers of its pooling layer
    image = picture(4)
    values = library.AutoImageProcessor.from_pretrained(folder)(images=image, return_tensors="pt")
    with torch.inference_mode():
        expected = (
            library.ViTForImageClassification.from_pretrained(folder).eval().vit(**values).last_hidden_state[:, 0]
        )
    assert cosine(feature(get_backbone(f"transformers:{folder}"), image), expected) >= 0.99999


def test_weights_of_a_file_and_random_ones(folders: dict[str, Path], tmp_path: Path) -> None:
    name, image = f"transformers:{folders['dinov2']}", picture()
    by_file = get_backbone(name, weights=folders["dinov2"] / "model.safetensors")
    assert cosine(feature(by_file, image), feature(get_backbone(name), image)) >= 0.99999
    drawn = get_backbone(name, weights="random")
    assert cosine(feature(drawn, image), feature(get_backbone(name, weights="random"), image)) >= 0.99999
    assert drawn.spec.fingerprint != by_file.spec.fingerprint
    (tmp_path / "other.pth").write_bytes(b"no weights")
    with pytest.raises(BackboneError, match=r"other\.pth is not a state dict of transformers"):
        get_backbone(name, weights=tmp_path / "other.pth").build()
    with pytest.raises(BackboneError, match="tensors have other shapes, such as"):
        get_backbone(name, weights=folders["vit"] / "model.safetensors").build()
    with pytest.raises(BackboneError, match=r"it lacks \d+ tensors, such as logit_scale"):
        get_backbone(f"transformers:{folders['clip']}", weights=folders["dinov2"] / "model.safetensors").build()


def test_what_is_no_network_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"holds no network: it lacks config\.json"):
        get_backbone(f"transformers:{tmp_path}")
    for file in folders["vit"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "nothing-of-the-kind"}')
    with pytest.raises(BackboneError, match=r"config\.json is no network that transformers has"):
        get_backbone(f"transformers:{tmp_path}")
    with pytest.raises(ArgumentError, match="pooling must be one of"):
        get_backbone(f"transformers:{tmp_path}", pooling="max")


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, extra in {"transformers": "transformers", "open_clip": "clip"}.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingExtraError, match=rf'pip install "imgsim-kit\[{extra}\]"'):
            get_backbone(f"{name}:some/name")
