"""Parts of a self-contained HTML page: no script, font or link; for light and dark, wide and narrow screens."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from imgsim.decoding.decode import decode
from imgsim.errors import ImageError

if TYPE_CHECKING:
    from imgsim.references.references import References

BIG = 8_000  # bytes above which a thumbnail is reduced, so that the page stays small
SMALL = 112  # pixels of a reduced thumbnail

STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #626b7c; --line: #dfe3ea; --card: #fff; --page: #f4f6f9;
  --mark: #2459c5; --good: #0b7a45; --bad: #c02f2f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #9aa4b6; --line: #2e3542; --card: #1a1f29;
  --page: #10141b; --mark: #82a8ff; --good: #4fce8e; --bad: #ff8383; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 4px; display: flex; justify-content: space-between; gap: 12px; }
h2 span { color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
h3 { font-size: 15px; margin: 20px 0 8px; }
p { margin: 0 0 12px; color: var(--soft); max-width: 74ch; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px;
  margin-top: 16px; }
nav { display: grid; grid-template-columns: repeat(auto-fill, minmax(108px, 1fr)); gap: 8px; margin-top: 16px; }
nav a { display: block; padding: 10px 12px; border: 1px solid var(--line); border-radius: 10px; background: var(--card);
  color: var(--soft); text-decoration: none; font-size: 13px; line-height: 1.35; }
nav a:hover, nav a:focus { border-color: var(--mark); }
nav b { display: block; font-size: 20px; line-height: 1.25; color: var(--ink); font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(94px, 1fr)); gap: 12px; }
.rows { display: flex; flex-wrap: wrap; gap: 10px; margin-bottom: 12px; }
.row { display: flex; gap: 12px; overflow-x: auto; padding: 10px; border: 1px solid var(--line); border-radius: 8px;
  max-width: 100%; }
.row figure { flex: 0 0 100px; }
.row figure.first { padding-right: 12px; border-right: 1px solid var(--line); flex-basis: 120px; }
figure { margin: 0; min-width: 0; }
figure .frame { display: flex; align-items: center; justify-content: center; height: 104px; border-radius: 6px;
  background: color-mix(in srgb, var(--soft) 12%, transparent); border: 2px solid transparent; overflow: hidden; }
figure.good .frame { border-color: var(--good); }
figure.bad .frame { border-color: var(--bad); }
img { max-width: 100%; max-height: 100%; display: block; }
figcaption { font-size: 12px; line-height: 1.35; margin-top: 4px; overflow-wrap: anywhere; color: var(--soft); }
figcaption b { color: var(--ink); display: block; }
figcaption .path { color: var(--ink); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4;
  overflow: hidden; }
.good b { color: var(--good); } .bad b { color: var(--bad); }
.more { align-self: center; color: var(--soft); white-space: nowrap; padding-right: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; width: 100%; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.map img { width: 100%; max-width: 900px; margin: 0 auto; }
.none { color: var(--good); margin: 0; }
footer { color: var(--soft); font-size: 13px; margin-top: 20px; }
"""
NO_PICTURE = "no picture"
_PLACE = re.compile("\x00(\\d+)\x00")


def text(value: object) -> str:
    """Escape text for HTML, so that no file name becomes markup or the placeholder of a picture."""
    return html.escape(str(value).replace("\x00", ""))


def breakable(value: object) -> str:
    """Escape a name for HTML, with line breaks allowed after ``/`` and ``_``."""
    return re.sub("([/_])", "\\1<wbr>", text(value))


def figure(row: int, name: object, bold: str = "", note: str = "", kind: str = "") -> str:
    """Make a figure of a picture, its path and a caption; ``kind`` holds CSS classes: ``good``, ``bad``, ``first``."""
    bold = f"<b>{breakable(bold)}</b>" if bold else ""
    caption = f'{bold}<span class="path">{breakable(name)}</span>{text(note)}'
    picture = f'<div class="frame">\x00{int(row)}\x00</div>'
    return f'<figure class="{kind}" title="{text(name)}">{picture}<figcaption>{caption}</figcaption></figure>'


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> str:
    """Make a table; the columns named in ``numbers`` are aligned to the right."""
    kinds = [' class="number"' if head in numbers else "" for head in heads]
    top = "".join(f"<th{kind}>{text(head)}</th>" for head, kind in zip(heads, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{text(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def page(title: str, lead: str, body: str) -> str:
    """Make the whole document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{text(title)}</h1><p>{text(lead)}</p>\n{body}\n"
        "<footer>Made by imgsim. This page is one file and loads nothing.</footer></main></body></html>\n"
    )


def insert_pictures(document: str, references: References) -> str:
    """Replace the placeholders in a document by the thumbnails, read all at once."""
    rows = sorted({int(row) for row in _PLACE.findall(document)})
    paths = references.images.paths
    tags = {
        row: _tag(data, paths[row]) if data else NO_PICTURE
        for row, data in zip(rows, references.thumbnails(rows), strict=True)
    }
    return _PLACE.sub(lambda place: tags[int(place[1])], document)


def data_uri(data: bytes, kind: str) -> str:
    """Return the bytes of a picture as a ``data:`` URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _tag(data: bytes, path: str) -> str:
    try:
        return f'<img loading="lazy" alt="{text(path)}" src="{data_uri(_smaller(data), "jpeg")}">'
    except ImageError:
        return NO_PICTURE


def _smaller(data: bytes) -> bytes:
    """Reduce a thumbnail of more than `BIG` bytes."""
    if len(data) <= BIG:
        return data
    from PIL import Image

    picture = Image.fromarray(decode(data))
    picture.thumbnail((SMALL, SMALL))
    smaller = BytesIO()
    picture.save(smaller, "JPEG", quality=70)
    return min(data, smaller.getvalue(), key=len)
