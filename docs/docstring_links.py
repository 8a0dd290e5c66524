"""Sphinx extension: single backticks in docstrings link to the public page of what they name.

A docstring names an object by any path that Python can follow (`create`, `imgsim.model.SimilarityModel.query`). The
API pages know it by its public name only. An object without a page of its own is shown as code; a name that Python
cannot follow stays unresolved, which fails the build.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.nodes import get_node_source

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element) -> Element | None:
    """Return a link, the name as code, or None for a name that stands for nothing."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    for name in _candidates(node):
        found = find(name)
        if found is None:
            continue
        for public in domain.objects:  # type: ignore[attr-defined]
            if _same(find(public), found):
                return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, content)
        return nodes.literal(text=content.astext())
    if "<autosummary>" in (get_node_source(node) or ""):  # a first line in a table; its own page checks the name
        return nodes.literal(text=content.astext())
    return None


def find(name: str) -> Any:
    """Return the object at a dotted path: a module, or something inside one; None if there is none."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            fields = getattr(value, "__dataclass_fields__", {})  # those without a default are no attributes
            if not hasattr(value, part) and part not in fields:
                return None
            value = getattr(value, part, part)
        return value
    return None


def _candidates(node: pending_xref) -> Iterator[str]:
    """Yield the paths that a name can mean in the docstring it stands in: from the inside out, then in the library."""
    target = node["reftarget"]
    _, _, documented = (get_node_source(node) or "").partition("docstring of ")
    parts = documented.partition(":")[0].split(".") if documented else []
    for end in range(len(parts), 0, -1):
        yield ".".join([*parts[:end], target])
    yield f"imgsim.{target}"
    yield target


def _same(one: Any, other: Any) -> bool:
    return one is other and one is not None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
