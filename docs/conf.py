"""Sphinx configuration: `make docs` builds the site offline, and a warning is an error."""

import os
import sys
from pathlib import Path

from jupyter_client import KernelManager

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["IMGSIM_HOME"] = str(HERE / "_build" / "home")  # tutorials keep their features between two builds

project = "imgsim"
author = "The imgsim authors"
copyright = author

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "generated_pages",
    "docstring_links",
]
exclude_patterns = ["_build", "_generated", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
nitpicky = True

# docstrings
default_role = "py:obj"
autodoc_typehints = "none"  # NumPy docstrings tell the types
autodoc_member_order = "bysource"
autosummary_generate = True
autosummary_imported_members = True
numpydoc_show_class_members = False  # the template of a class lists them

# pages and notebooks
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_output_stderr = "remove"  # progress bars

KernelManager.transport_encryption.default_value = "auto"  # else each kernel warns

# look
html_theme = "pydata_sphinx_theme"
html_title = "imgsim"
html_logo = html_favicon = "../dashboards/icon.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "imgsim"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"changelog": [], "benchmarks": []}
