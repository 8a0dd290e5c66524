"""Static site of a model: pages that any web server, or none of ours, can show."""

from imgsim.site.write import write_site

__all__ = ["write_site"]
