"""Names and labels of strangers, shown as what they are: text."""

import re

from dashboards.services.format import visible

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=/])")


def plain(text: object) -> str:
    """Text for Streamlit's markdown places (captions, labels, messages): no markup in it acts.

    Control characters and lone surrogates become visible escapes.
    """
    return _MARKS.sub(r"\\\1", visible(text))
