"""A network of pictures and words that is quick to make and whose answers are known: colours, and their names."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import imgsim
from imgsim.backbones.spec import Backbone, make_spec
from imgsim.backbones.text.tokenizer import set_length
from imgsim.backbones.text.tower import TextTower

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 30), "blue": (30, 40, 210)}
CONTEXT = 8
SCALE = 20.0


def tokenizer_json(words: list[str], context: int = CONTEXT) -> str:
    """JSON of a tokenizer that knows these lower-case words; 0 is padding, 1 any other word."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    set_length(tokenizer, context, 0, "[PAD]")
    return str(tokenizer.to_str())


def colour_tower(bias: float | None = None, **others: Any) -> TextTower:
    """Each colour's name is an axis, ``grey`` all three; other words count little."""
    import torch
    from torch import nn

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rows = torch.tensor([[0, 0, 0], [0.01, 0.01, 0.01], *np.eye(3).tolist(), [1, 1, 1]])
            self.words = nn.Embedding.from_pretrained(rows.float())

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.words(tokens).sum(1) + 1e-4

    return TextTower(Words(), tokenizer_json([*COLOURS, "grey"]), CONTEXT, SCALE, bias, **others)


def colour_backbone(bias: float | None = None, name: str = "colours") -> Backbone:
    """The feature of a picture is its mean colour, in the space of `colour_tower`."""
    from torch import Tensor, nn

    class MeanColour(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3)) * 3  # of any length

    spec = make_spec(name, f"{bias}", (16, 16), (0.0,) * 3, (1.0,) * 3, "none", "Apache-2.0", has_text=True)
    return Backbone(spec, MeanColour, text=lambda: colour_tower(bias))


def colour_images(folder: Path, count: int = 4) -> Path:
    """Folder of pictures, one sub-folder a colour, each a little different."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.clip(np.array(colour) + rng.integers(-15, 15, (20, 24, 3)) + number, 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{name}_{number}.png")
    return folder


def colour_model(folder: Path, store: imgsim.FeatureStore, **options: Any) -> imgsim.SimilarityModel:
    """A model of `colour_images` by `colour_backbone`."""
    images = colour_images(folder) if not folder.exists() else folder
    options.setdefault("backbone", colour_backbone())
    return imgsim.create(imgsim.load_images(images), store=store, progress=False, k=3, **options)
