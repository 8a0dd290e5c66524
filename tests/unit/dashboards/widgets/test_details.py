from html.parser import HTMLParser

from dashboards.services.image_facts import Fact
from dashboards.widgets.details import facts_html
from tests.dashboard_registry import STRANGE


def test_facts_are_text_whatever_is_in_them():
    tags: list[str] = []
    texts: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.handle_data = texts.append  # type: ignore[method-assign]
    parser.feed(facts_html([Fact("Path", STRANGE), Fact("Label", '"><script>')]))
    assert tags == ["dl", "dt", "dd", "dt", "dd"]
    assert "".join(texts) == f'Path{STRANGE}Label"><script>'
