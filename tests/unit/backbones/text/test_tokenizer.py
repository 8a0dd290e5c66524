"""Tokenizers as JSON: CLIP's rebuilt, and what a stranger may write."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from imgsim.backbones.text.clip_tokenizer import clean, clip_tokenizer
from imgsim.backbones.text.tokenizer import PROBES, open_tokenizer, tokens
from imgsim.errors import ModelFormatError
from tests.text_models import CONTEXT, tokenizer_json

AWKWARD = (
    "&amp;amp; &lt;b&gt; &quot;x&quot;",
    "<start_of_text> hello <end_of_text>",
    "x\u2019s \u201ca\u201d\u2026 \u02bc \u201b",
    "\u0132sselmeer \ufb01\ufb02\ufb03\ufb04\ufb05\ufb06 \u01c4 \u01f3",
    "\u0130stanbul \u1e9e \ufdfa",
    "a\u200bb ..!!?? 1234567 I'LL'VE don't STOP",
    "\uff21\uff42\uff11\uff01 \u3000 \u216b \u00b2 \u00bd",
    "",
    " ",
)


@pytest.mark.parametrize("context", [77, 12])
def test_clip_tokens_are_those_of_open_clip(context: int) -> None:
    open_clip = pytest.importorskip("open_clip")
    own = open_clip.tokenizer.SimpleTokenizer(context_length=context)
    merges = sorted(own.bpe_ranks, key=own.bpe_ranks.get)
    ours = open_tokenizer(clip_tokenizer(own.encoder, merges, context), context)
    texts = [*PROBES, *AWKWARD]
    assert tokens(ours, texts).tolist() == own(texts).tolist()


@pytest.mark.parametrize("cleaning", ["lower", "whitespace", "canonicalize"])
def test_cleaning_is_that_of_open_clip(cleaning: str) -> None:
    open_clip = pytest.importorskip("open_clip")
    own, ours = open_clip.tokenizer.get_clean_fn(cleaning), clean(cleaning)
    assert [ours.normalize_str(text) for text in (*PROBES, *AWKWARD)] == [own(text) for text in (*PROBES, *AWKWARD)]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    values = json.loads(tokenizer_json(["red"]))
    change(values)
    return json.dumps(values)


def test_a_tokenizer_pads_and_cuts() -> None:
    ours = open_tokenizer(tokenizer_json(["red"]), CONTEXT)
    assert tokens(ours, ["red", "RED and " * 9]).tolist() == [[2] + [0] * (CONTEXT - 1), [2, 1] * (CONTEXT // 2)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no tokenizer"),
        ("[]", "no tokenizer"),
        ("{}", "no tokenizer"),
        ("[" * 100_000, "no tokenizer"),
        (changed(lambda values: values.update(truncation=None)), "pads and cuts"),
        (changed(lambda values: values["padding"].update(strategy="BatchLongest")), "pads and cuts"),
        (changed(lambda values: values["truncation"].update(max_length=10**9)), "1000000000 to 8 tokens"),
        (changed(lambda values: values["normalizer"].update(type="Python")), "unknown kinds: Python"),
        (changed(lambda values: values["model"].update(vocab=5)), "no tokenizer"),
        (changed(lambda values: values.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [5]})), "no tokeniz"),
    ],
)
def test_what_is_no_tokenizer_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ModelFormatError, match=reason):
        open_tokenizer(text, CONTEXT)
