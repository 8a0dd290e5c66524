"""Everything a run imports, imported once: a run is a fork of a process that has this module.

A process of Dagster, MLflow, torch and coremltools takes ten seconds to start; a fork of one takes none.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress

from orchestration.silence_tools import quiet

MODULES = (
    "alembic.command",
    "coremltools",
    "dagster._core.storage.noop_compute_log_manager",
    "graspologic_native",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.system_metrics.system_metrics_monitor",
    "onnx",
    "onnxruntime",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.stats",
    "simplejpeg",
    "torch",
    "torchvision",
    "dagster._daemon.daemon",
    "pyarrow.dataset",
    "imgsim.coreml.export.convert",
    "imgsim.coreml.runtime.interpreter",
    "imgsim.coreml.runtime.operations",
    "imgsim.insights.clusters",
    "imgsim.insights.compute",
    "imgsim.insights.map.layout",
    "imgsim.insights.report.report",
    "imgsim.mlflow.flavor",
    "imgsim.mlflow.pyfunc",
    "orchestration.commands.run_summary",
    "tests.faults.probe",
)
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
quiet()
for _name in MODULES:
    with suppress(ImportError):  # coremltools is not there for every Python
        importlib.import_module(_name)

with suppress(ImportError):  # MLflow asks for it once in a process: a list of all that is installed
    from mlflow.utils.requirements_utils import _init_modules_to_packages_map

    _init_modules_to_packages_map()
