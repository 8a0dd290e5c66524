"""Drawn documents that look alike from afar and differ in a number, a word or a line; and copies of them.

Every function draws one document from the number of its layout and its own number: documents of one layout differ
only in what a person would fill in, plot or type.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.benchmarks.planted import jpeg

Draw = Callable[[int, int], Image.Image]
_LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def _rngs(kind: int, layout: int, number: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Generators of the layout and of what is filled in."""
    return np.random.default_rng([kind, layout]), np.random.default_rng([kind, layout, number])


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join("".join(rng.choice(_LETTERS, rng.integers(2, 10))) for _ in range(count))


def _text(image: Image.Image, at: tuple[float, float], text: str, size: float, fill: object = (20, 20, 20)) -> None:
    ImageDraw.Draw(image).text(at, text, fill=fill, font=ImageFont.load_default(size))


def _paper(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    white = int(rng.integers(238, 256))
    return Image.new("RGB", size, (white, white, white - int(rng.integers(0, 12))))


def form(layout: int, number: int) -> Image.Image:
    """Ruled lines with captions; an eight-digit number differs."""
    rng, own = _rngs(1, layout, number)
    image = _paper(rng, (800, 1130))
    for y in range(120, 1080, int(rng.integers(28, 60))):
        ImageDraw.Draw(image).line(
            [(60, y), (60 + int(rng.integers(200, 660)), y)], fill=70, width=int(rng.integers(1, 5))
        )
        _text(image, (64, y - 20), _words(rng, 2), 14)
    _text(image, (460, 40), f"No. {own.integers(10**7, 10**8)}", int(rng.integers(18, 32)))
    return image


def digit(layout: int, number: int) -> Image.Image:
    """A letter; one digit differs."""
    rng, _ = _rngs(2, layout, number)
    image = _paper(rng, (760, 1070))
    size = int(rng.integers(16, 24))
    for y in range(100, 1000, 2 * size):
        _text(image, (70, y), _words(rng, int(rng.integers(2, 9)))[:60], size)
    _text(image, (440, 40), f"Invoice 2024-0{number % 10}{layout % 10}7", size)
    return image


def receipt(layout: int, number: int) -> Image.Image:
    """Goods and prices; total, date and one price differ."""
    rng, own = _rngs(3, layout, number)
    image = _paper(rng, (380, 820))
    _text(image, (80, 20), _words(rng, 2).upper(), 26)
    changed = int(own.integers(0, 18))
    for line in range(18):
        price = (own if line == changed else rng).uniform(0.5, 99)
        _text(image, (24, 80 + 34 * line), _words(rng, 2)[:22], 17, (60, 60, 60))
        _text(image, (300, 80 + 34 * line), f"{price:.2f}", 17, (60, 60, 60))
    _text(image, (24, 720), f"TOTAL   {own.uniform(10, 500):.2f}", 24)
    _text(
        image,
        (24, 770),
        f"{own.integers(1, 29):02}.{own.integers(1, 13):02}.2024 {own.integers(8, 20):02}:{own.integers(10, 60)}",
        15,
    )
    return image


def chart(layout: int, number: int) -> Image.Image:
    """Axes, grid and trend; the line, as noise around the trend, differs."""
    rng, own = _rngs(4, layout, number)
    dark = layout % 2 == 1
    image = Image.new("RGB", (640, 420), (24, 26, 32) if dark else (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.rectangle([50, 30, 600, 370], outline=(128, 128, 128))
    for y in range(60, 370, 40):
        draw.line([(50, y), (600, y)], fill=(128, 128, 128))
    y = 340 - rng.uniform(0.2, 0.5) * np.arange(540) + np.cumsum(own.normal(0, 1.2, 540))
    draw.line([(55.0 + x, float(v)) for x, v in enumerate(y)], fill="orange" if dark else "navy", width=2)
    return image


def bars(layout: int, number: int) -> Image.Image:
    """Twelve bars; two of them differ by a few per cent."""
    rng, own = _rngs(5, layout, number)
    image = Image.new("RGB", (640, 420), "white")
    heights = rng.integers(100, 330, 12)
    heights[own.choice(12, 2, replace=False)] += own.choice([-1, 1], 2) * own.integers(6, 20, 2)
    color = tuple(int(value) for value in rng.integers(30, 180, 3))
    for place, height in enumerate(heights):
        ImageDraw.Draw(image).rectangle([60 + place * 45, 380 - int(height), 95 + place * 45, 380], fill=color)
    return image


def legend(layout: int, number: int) -> Image.Image:
    """One curve; its colour differs."""
    rng, _ = _rngs(6, layout, number)
    image = Image.new("RGB", (640, 420), "white")
    y = 210 + rng.uniform(50, 150) * np.sin(np.arange(540) / rng.uniform(30, 90))
    color = ((200, 60, 60), (40, 130, 40), (60, 100, 200), (150, 80, 150), (30, 140, 140), (190, 120, 20))[number % 6]
    ImageDraw.Draw(image).line([(55.0 + x, float(v)) for x, v in enumerate(y)], fill=color, width=3)
    return image


def screenshot(layout: int, number: int) -> Image.Image:
    """A window full of text; one line differs."""
    rng, own = _rngs(7, layout, number)
    paper, ink = ((30, 30, 30), (210, 210, 210)) if layout % 2 else ((246, 246, 246), (20, 20, 20))
    image = Image.new("RGB", (1100, 700), paper)
    ImageDraw.Draw(image).rectangle([0, 0, 1100, 32], fill=(60, 90, 160))
    lines = [_words(rng, 12)[:90] for _ in range(29)]
    lines[int(own.integers(0, 29))] = _words(own, 12)[:90]
    for place, line in enumerate(lines):
        _text(image, (200, 48 + 22 * place), line, 14, ink)
        _text(image, (12, 48 + 22 * place), _words(rng, 2)[:20], 14, ink)
    return image


def scan(layout: int, number: int) -> Image.Image:
    """A page of `digit`, scanned: a little turned, greyer and with noise of its own."""
    own = np.random.default_rng([8, layout, number])
    page = digit(layout + 100, number).convert("L")
    turned = page.rotate(float(own.uniform(-0.3, 0.3)), Image.Resampling.BICUBIC, fillcolor=248)
    grey = np.asarray(turned, np.float32) * 0.93 + 8 + own.normal(0, 3, (page.height, page.width))
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")


def page(layout: int, number: int) -> Image.Image:
    """A scanned page of running text; all of it differs."""
    rng, own = _rngs(9, layout, number)
    image = _paper(rng, (700, 990))
    for y in range(80, 900, 24):
        _text(image, (60, y), _words(own, 13)[:76], 15)
    noisy = np.asarray(image, np.float32) + own.normal(0, 3, (image.height, image.width, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def letter(layout: int, number: int) -> Image.Image:
    """One capital in the middle of a sheet."""
    image = Image.new("RGB", (400, 400), "white")
    _text(image, (180, 170), chr(65 + (number + 5 * layout) % 26), 40 + 4 * (layout % 5), 0)
    return image


def slide(layout: int, number: int) -> Image.Image:
    """White text on a gradient; one of four lines differs."""
    rng, own = _rngs(10, layout, number)
    shade = np.linspace(0, 60, 540)[:, None, None] + rng.integers(10, 120, 3) + np.zeros((1, 960, 1))
    image = Image.fromarray(np.clip(shade, 0, 255).astype(np.uint8))
    _text(image, (60, 40), _words(rng, 4), 48, "white")
    for place in range(4):
        _text(image, (90, 150 + 70 * place), f"• {_words(own if place == 3 else rng, 3)}", 28, "white")
    return image


DOCUMENTS: dict[str, Draw] = {
    draw.__name__: draw for draw in (form, digit, receipt, chart, bars, legend, screenshot, scan, page, letter, slide)
}


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def _webp(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "WEBP", quality=80)
    return target.getvalue()


SAVED: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg_q85": lambda image: jpeg(image, 85),
    "jpeg_q50": lambda image: jpeg(image, 50),
    "webp_q80": _webp,
    "resize_70": lambda image: jpeg(_scaled(image, 0.7)),
    "resize_half": lambda image: jpeg(_scaled(image, 0.5)),
}
"""A document as a copy of it is saved."""
