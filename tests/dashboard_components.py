"""What AppTest cannot do by itself: read what a JavaScript component was given, click in it, and find a choice."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest


def shown(test: AppTest, key: str) -> dict[str, Any] | None:
    """The data of the component with this key, or None when it is not on the page."""
    element = _element(test, key)
    return None if element is None else json.loads(element.proto.json)


def send(test: AppTest, key: str, event: str, value: object) -> AppTest:
    """Run the page as after ``setTriggerValue(event, value)`` in the component."""
    element = _element(test, key)
    assert element is not None, f"there is no component {key}"
    states = test._tree.get_widget_states()
    state = states.widgets.add()
    state.id = _make_trigger_id(element.proto.id, "events")
    state.json_trigger_value = json.dumps([{"event": event, "value": value}])
    return test._run(states)


def said(test: AppTest, name: str) -> str:
    """A parameter of the URL; the first of several."""
    value = test.query_params.get(name, "")
    return value if isinstance(value, str) else value[0]


def choice(widgets: Sequence[Any], name: str) -> Any:
    """The widget among these that is a choice of this name, however its options read (`dashboards.state.key`)."""
    return next(widget for widget in widgets if re.fullmatch(rf"choice-{name}-[0-9a-f]{{8}}", widget.key or ""))


def _element(test: AppTest, key: str) -> Any:
    return next((element for element in test.get("bidi_component") if element.key == key), None)
