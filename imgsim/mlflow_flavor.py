"""Entry point that models registered before version 0.2 name as their loader."""

from imgsim.mlflow.flavor import _load_pyfunc, load_model

__all__ = ["_load_pyfunc", "load_model"]
