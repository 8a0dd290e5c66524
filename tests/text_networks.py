"""Small networks of open_clip and transformers with seeded random weights, in folders as their libraries write them."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")
CARD = "---\nlicense: mit\n---\n"
CONTEXT = 77
TEXTS = ["a photo of a cat", "Two DOGS, on the beach!", "naïve café: it's 5 km", "long " * 100]
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def picture(seed: int = 0, size: tuple[int, int] = (91, 64)) -> Image.Image:
    """A smooth picture of several colours, wider than high by an odd number."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def pictures(folder: Path, count: int = 12) -> Path:
    """A folder of such pictures."""
    folder.mkdir(parents=True)
    for seed in range(count):
        picture(seed).save(folder / f"{seed:02d}.png")
    return folder


def random_open_clip(folder: Path, kind: str = "clip", resize_mode: str = "shortest") -> Path:
    """Write a CLIP, or a SigLIP with a vision tower of timm and a bias, with weights of its own."""
    import open_clip

    vision: dict[str, Any] = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8}
    text = {"context_length": CONTEXT, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    config: dict[str, Any] = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    if kind == "siglip":
        vision |= {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "map", "timm_proj": "none"}
        vision["image_size"] = 224
        text |= {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"}
        config |= {"embed_dim": 192, "custom_text": True, "init_logit_bias": -10, "init_logit_scale": 2.0}
    preprocessing = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": resize_mode}
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        network = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        for value in network.parameters():  # else untrained texts are nearly alike
            value.data += 0.05 * torch.randn_like(value)
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    return folder


def random_transformers(folder: Path, kind: str) -> Path:
    """Write a network of transformers of one of the kinds below, with its processor."""
    network, processor = _MAKE[kind]()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        for value in network.parameters():
            value.data += 0.05 * torch.randn_like(value)
    _quietly(network.save_pretrained, folder)
    processor.save_pretrained(folder)
    (folder / "README.md").write_text(CARD)
    return folder


def _quietly(save: Any, folder: Path) -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()
    save(folder)


def _seeded(kind: Any, config: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return kind(config).eval()


_SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 64}


def _dinov2() -> tuple[Any, Any]:
    import transformers as library

    config = library.Dinov2Config(**_SIZES, image_size=56, patch_size=14)
    size = {"shortest_edge": 64}
    processor = library.BitImageProcessor(size=size, crop_size={"height": 56, "width": 56}, image_mean=MEAN)
    return _seeded(library.Dinov2Model, config), processor


def _vit() -> tuple[Any, Any]:
    import transformers as library

    config = library.ViTConfig(**_SIZES, image_size=48, patch_size=16)
    return _seeded(library.ViTModel, config), library.ViTImageProcessor(size={"height": 48, "width": 48})


def _vit_classes() -> tuple[Any, Any]:
    import transformers as library

    config = library.ViTConfig(**_SIZES, image_size=48, patch_size=16)
    return _seeded(library.ViTForImageClassification, config), _vit()[1]


def _convnext() -> tuple[Any, Any]:
    import transformers as library

    config = library.ConvNextConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32], image_size=32)
    processor = library.ConvNextImageProcessor(size={"shortest_edge": 32}, crop_pct=0.875)
    return _seeded(library.ConvNextModel, config), processor


def _clip() -> tuple[Any, Any]:
    import open_clip
    import transformers as library

    own = open_clip.tokenizer.SimpleTokenizer()
    merges = sorted(own.bpe_ranks, key=own.bpe_ranks.get)[:300]
    letters = list(own.byte_encoder.values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    tokenizer = library.CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=merges)
    last = len(words) - 1
    text = {**_SIZES, "vocab_size": len(words), "max_position_embeddings": CONTEXT, "num_attention_heads": 4}
    text |= {"bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last}
    vision = {**_SIZES, "image_size": 32, "patch_size": 8}
    config = library.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    images = library.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return _seeded(library.CLIPModel, config), library.CLIPProcessor(images, tokenizer)


class _Both:
    """An image processor and a tokenizer that are saved beside each other."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def save_pretrained(self, folder: Path) -> None:
        for part in self.parts:
            part.save_pretrained(folder)


def _siglip() -> tuple[Any, Any]:
    import transformers as library
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(code) for code in range(33, 127)] + ["▁", "é", "ï"]
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), *((letter, -3.0) for letter in letters)]
    tokenizer: Any = Tokenizer(models.Unigram([*words, ("▁a", -1.0), ("▁photo", -1.0), ("cat", -1.5)], 2))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = library.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    text = {**_SIZES, "vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": 64}
    text |= {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0}
    vision = {**_SIZES, "image_size": 32, "patch_size": 8}
    config = library.SiglipConfig(text_config=text, vision_config=vision)
    images = library.SiglipImageProcessor(size={"height": 32, "width": 32})
    return _seeded(library.SiglipModel, config), _Both(images, fast)


_MAKE = {
    "clip": _clip,
    "siglip": _siglip,
    "dinov2": _dinov2,
    "vit": _vit,
    "vit_classes": _vit_classes,
    "convnext": _convnext,
}
