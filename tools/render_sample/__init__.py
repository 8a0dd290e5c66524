"""Renderer of the sample images: 24 kinds of object, drawn by a small ray marcher.

    python -m tools.render_sample FOLDER                      # a folder per kind
    python -m tools.render_sample imgsim/sample/sample.zip    # the archive that the wheel includes

The library ships the archive and never imports this package.
"""

from tools.render_sample.folder import KINDS, render_sample
from tools.render_sample.messy import MESSY

__all__ = ["KINDS", "MESSY", "render_sample"]
