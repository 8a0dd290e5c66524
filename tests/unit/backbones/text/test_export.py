"""Export of a text tower: made once, compared with torch and with its own tokenizer, and made anew when damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgsim.backbones.onnx_export import ExportError
from imgsim.backbones.text.export import export_text, is_exported
from imgsim.backbones.text.files import SETTINGS, TEXT_ONNX, TOKENIZER, TextFiles
from imgsim.backbones.text.runtime import TextRuntime
from imgsim.backbones.text.tokenizer import open_tokenizer, tokens
from imgsim.errors import ModelFormatError
from tests.text_models import CONTEXT, colour_backbone, colour_tower, tokenizer_json

TEXTS = ["red", "a blue car", "Grey grey", "unknown words only", ""]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text") / "tower"
    export_text(colour_backbone(), folder)
    return folder


def test_texts_are_those_of_torch(exported: Path) -> None:
    import torch

    tower = colour_tower()
    ids = tokens(open_tokenizer(tower.tokenizer, CONTEXT), TEXTS)
    with torch.inference_mode():
        expected = tower.module(torch.from_numpy(ids)).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(TextRuntime(TextFiles.load(exported))(TEXTS), expected, atol=1e-6)


def test_an_export_is_kept_and_a_damaged_one_made_anew(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tower"
    folder.mkdir()
    for file in exported.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    before = (folder / TEXT_ONNX).stat()
    export_text(colour_backbone(), folder)
    assert (folder / TEXT_ONNX).stat() == before
    for name in (TEXT_ONNX, TOKENIZER, SETTINGS):
        (folder / name).write_bytes((folder / name).read_bytes()[:-3])
        assert not is_exported(folder)
        (folder / name).write_bytes((exported / name).read_bytes())
        assert is_exported(folder)
    (folder / TEXT_ONNX).unlink()
    export_text(colour_backbone(), folder)
    assert is_exported(folder)


def test_another_tokenizer_than_the_librarys_is_refused(tmp_path: Path) -> None:
    tower = colour_tower(ids_of=lambda text: [7] * CONTEXT)
    with pytest.raises(ExportError, match=r"cannot be rebuilt: 'a photo of a cat' gives the tokens .* by its library"):
        export_text(replace(colour_backbone(), text=lambda: tower), tmp_path / "tower")
    assert not (tmp_path / "tower").exists()


def test_another_context_than_the_tokenizers_is_refused(tmp_path: Path) -> None:
    tower = replace(colour_tower(), tokenizer=tokenizer_json(["red"], CONTEXT + 1))
    with pytest.raises(ExportError, match="gives 9 to 9 tokens, the text tower takes 8"):
        export_text(replace(colour_backbone(), text=lambda: tower), tmp_path / "tower")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"dim": 3', '"dim": 0', "misstates dim"),
        ('"dim": 3', '"dim": true', "misstates dim"),
        ('"context": 8', '"context": 1000000', "misstates context"),
        ('"logit_scale": 20.0', '"logit_scale": NaN', "logit_scale"),
        ('"logit_bias": null', '"logit_bias": "x"', "logit_bias"),
        ('"dim": 3,', "", "cannot be read"),
        ("{", "", "cannot be read"),
    ],
)
def test_settings_of_a_stranger(exported: Path, tmp_path: Path, old: str, new: str, reason: str) -> None:
    for file in exported.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / SETTINGS).read_text()
    assert old in text
    (tmp_path / SETTINGS).write_text(text.replace(old, new, 1))
    with pytest.raises(ModelFormatError, match=reason):
        TextFiles.load(tmp_path)


def test_a_tower_of_another_width_is_refused_when_it_is_run(exported: Path, tmp_path: Path) -> None:
    for file in exported.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / SETTINGS).write_text((tmp_path / SETTINGS).read_text().replace('"dim": 3', '"dim": 4'))
    with pytest.raises(ModelFormatError, match="one vector of 4 values"):
        TextRuntime(TextFiles.load(tmp_path))(["red"])
    (tmp_path / TEXT_ONNX).write_bytes(b"no network")
    with pytest.raises(ModelFormatError, match="not a network"):
        TextRuntime(TextFiles.load(tmp_path))
    (tmp_path / TOKENIZER).write_bytes(b"\xff")
    with pytest.raises(ModelFormatError, match=r"tokenizer\.json cannot be used"):
        TextRuntime(TextFiles.load(tmp_path))
    (tmp_path / TOKENIZER).unlink()
    with pytest.raises(ModelFormatError, match="incomplete"):
        TextFiles.load(tmp_path)
