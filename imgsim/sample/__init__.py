"""Pictures the project renders itself: 24 kinds of object, so that everything can be tried with nothing at hand."""

from imgsim.sample.folder import KINDS, render_sample
from imgsim.sample.messy import MESSY

__all__ = ["KINDS", "MESSY", "render_sample"]
