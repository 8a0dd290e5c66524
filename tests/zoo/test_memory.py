"""One file takes no more memory than the library says, however large it unpacks and however many threads decode."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SMALL, LARGE = 537, 2147  # MB (512 MiB, 2 GiB): up to 32 megapixels, and above
CHILD = """
import json, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
import os
from PIL import Image
from imgsim.decoding.decode import decode
from tests.benchmarks.measure import peak_memory_mb as peak
from tests.memory import forget_peak
kind, mode, width, height, threads = json.loads(sys.argv[1])
with tempfile.NamedTemporaryFile() as file:
    if not (child := os.fork()):  # the memory of writing it is not of interest
        Image.new(mode, (width, height)).save(file.name, kind)
        os._exit(0)
    os.waitpid(child, 0)
    data = open(file.name, "rb").read()
decode(data[:0] + open(sys.argv[2], "rb").read(), (96, 96))
forget_peak()
before = peak()
with ThreadPoolExecutor(threads) as pool:
    shapes = {pixels.shape for pixels in pool.map(lambda _: decode(data, (160, 160)), range(threads))}
print(json.dumps([peak() - before, *shapes]))
"""


def grown(tmp_path, kind: str, mode: str, size: tuple[int, int], threads: int = 1) -> tuple[float, list[int]]:
    """MB by which the peak of a fresh process grew, and the shape of the result."""
    from tests.zoo.making import encode, picture

    warm = tmp_path / "warm"
    warm.write_bytes(encode(picture(), kind))
    order = json.dumps([kind, mode, *size, threads])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, order, str(warm)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    megabytes, shape = json.loads(done.stdout)
    return megabytes, shape


def test_of_an_ordinary_picture(tmp_path):
    assert grown(tmp_path, "PNG", "RGBA", (8000, 3900))[0] < SMALL


def test_of_a_large_picture(tmp_path):
    """40 of the 256 megapixels that are allowed, so 40 / 256 of the memory."""
    megabytes, shape = grown(tmp_path, "PNG", "LA", (8000, 5000))
    assert megabytes < LARGE * 40 / 256
    assert min(shape[:2]) >= 320


def test_large_pictures_wait_for_each_other(tmp_path):
    assert grown(tmp_path, "PNG", "LA", (8000, 5000), threads=3)[0] < LARGE * 40 / 256


@pytest.mark.skipif("IMGSIM_LONG" not in os.environ, reason="takes minutes: make fuzz")
@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("PNG", "RGBA", (16_000, 15_900)),
        ("TIFF", "F", (16_000, 11_100)),
        ("WEBP", "RGB", (10_000, 9_900)),
        ("AVIF", "RGB", (12_000, 10_600)),
    ],
)
def test_of_the_largest_pictures(tmp_path, kind, mode, size):
    assert grown(tmp_path, kind, mode, size)[0] < LARGE
