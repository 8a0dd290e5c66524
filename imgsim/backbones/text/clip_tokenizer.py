"""CLIP's tokenizer, rebuilt with the library ``tokenizers`` from the vocabulary that open_clip carries.

Source: ``SimpleTokenizer`` of OpenAI's CLIP (Radford et al. 2021), byte-level BPE of lower-case words. Its repair of
wrongly decoded text (``ftfy``) is left out, but for quotes, ligatures, wide letters and HTML's entities.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imgsim.backbones.text.tokenizer import set_length

if TYPE_CHECKING:
    from tokenizers import normalizers

_WORDS = r"(?i:<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d)|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_QUOTES = {"[\u02bc\u2018-\u201b]": "'", "[\u201c-\u201f]": '"'}
_LIGATURES = {
    "\u0132": "IJ",
    "\u0133": "ij",
    "\u0149": "\u02bcn",
    "\u01f1": "DZ",
    "\u01f2": "Dz",
    "\u01f3": "dz",
    "\u01c4": "D\u017d",
    "\u01c5": "D\u017e",
    "\u01c6": "d\u017e",
    "\u01c7": "LJ",
    "\u01c8": "Lj",
    "\u01c9": "lj",
    "\u01ca": "NJ",
    "\u01cb": "Nj",
    "\u01cc": "nj",
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "\u017ft",
    "\ufb06": "st",
}
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'"}
CLEANINGS = ("lower", "whitespace", "canonicalize")


def clip_tokenizer(
    vocabulary: dict[str, int], merges: Sequence[tuple[str, str]], context: int, cleaning: str = "lower"
) -> str:
    """Return the JSON of a CLIP tokenizer.

    Parameters
    ----------
    vocabulary : dict of str to int
        With ``<start_of_text>`` and ``<end_of_text>``.
    merges : sequence of pairs
        Of the byte-pair encoding, the first before the others.
    context : int
        Tokens of a text; padding is the token 0.
    cleaning : str
        One of `CLEANINGS`.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors

    tokenizer: Any = Tokenizer(models.BPE(vocabulary, list(merges), end_of_word_suffix="</w>"))
    tokenizer.normalizer = clean(cleaning)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    special = [(word, vocabulary[word]) for word in ("<start_of_text>", "<end_of_text>")]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word, _ in special])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start_of_text> $A <end_of_text>", special_tokens=special
    )
    set_length(tokenizer, context, 0, next(word for word, number in vocabulary.items() if number == 0))
    return str(tokenizer.to_str())


def clean(cleaning: str) -> normalizers.Sequence:
    """Return open_clip's cleaning of texts as a normaliser: ``lower``, ``whitespace`` or ``canonicalize``."""
    from tokenizers import Regex
    from tokenizers import normalizers as steps

    wide = {chr(ord(letter) + 0xFEE0): letter for letter in string.printable if "!" <= letter <= "~"}
    replaced = {**_ENTITIES, **_LIGATURES, **wide, "\u3000": " "}
    found: list[Any] = [steps.Replace("&amp;", "&")] * 3  # entities of entities: open_clip resolves three times
    found += [steps.Replace(old, new) for old, new in replaced.items()]
    found += [steps.Replace(Regex(old), new) for old, new in _QUOTES.items()]
    found.append(steps.NFC())
    if cleaning == "canonicalize":
        found += [steps.Replace("_", " "), steps.Replace(Regex(r"[!-/:-@\[-`{-~]"), "")]
    if cleaning != "whitespace":
        found.append(steps.Lowercase())
    return steps.Sequence([*found, steps.Replace(Regex(r"\s+"), " "), steps.Strip()])
