"""Text for markdown places, without markup."""

import re

from dashboards.services.format import visible

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=/])")


def plain(text: object) -> str:
    """Escape text for Streamlit's markdown places (captions, labels, messages), so that no markup in it acts.

    Control characters and lone surrogates become visible escapes.
    """
    return _MARKS.sub(r"\\\1", visible(text))
