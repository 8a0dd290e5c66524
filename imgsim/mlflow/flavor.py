"""MLflow flavour ``imgsim``: the model folder of `SimilarityModel.save` inside an MLflow model.

An MLflow model of this flavour is data only: Parquet, JSON, safetensors and ONNX under ``model.imgsim/``,
loaded by this module (``loader_module: imgsim.mlflow.flavor``). No pickle, no path of the machine that logged it.

`imgsim.mlflow.registry` keeps what versions share, such as the network, apart from them (`imgsim.mlflow.shared`); the
loader here fetches it.

Its environment is pinned in ``requirements.txt``, and imgsim itself lies beside it as a wheel, which that file names by
a relative path (``wheels/imgsim_kit-...whl``, 0.3 MB: modules only, no weights): the package that is called `imgsim` on
the index is somebody else's and is never asked for. Only what builds a fresh environment installs the wheel
(``mlflow models serve``, ``build-docker``). It is not MLflow's ``code_paths``, which would put the model's own code on
the path of whoever loads it: where imgsim is installed, a model of a stranger's registry still runs no code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.distribution import installed_version
from imgsim.errors import ArgumentError, ModelFormatError, RegistryError
from imgsim.io.atomic import atomic_folder, set_aside
from imgsim.io.error_text import temporary_cause
from imgsim.io.paths import absolute, expand
from imgsim.mlflow.shared.completion import complete, whole
from imgsim.mlflow.shared.pieces import MODEL_FOLDER, RECIPE
from imgsim.mlflow.wheel import write_wheel

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model, ModelSignature
    from mlflow.models.model import ModelInfo

    from imgsim.mlflow.pyfunc import SimilarityPyfunc
    from imgsim.mlflow.shared.run import SharedRun
    from imgsim.model import SimilarityModel

_NO_FILES = ("No such artifact: ''", "No such file or directory")  # from a server, from a folder
FLAVOR_NAME = "imgsim"
MODEL_TYPE = "image-similarity"

WHEELS = "wheels"

_RUNTIME = (
    "numpy",
    "faiss-cpu",
    "onnx",
    "onnxruntime",
    "pandas",
    "pillow",
    "platformdirs",
    "pyarrow",
    "safetensors",
    "simplejpeg",
)
_TEXT = ("tokenizers",)


def get_default_pip_requirements(in_words: bool = False) -> list[str]:
    """List what loading and serving needs besides imgsim, pinned to the versions installed here.

    With ``in_words`` texts can be asked too.
    """
    return [_pinned(name) for name in (*_RUNTIME, *(_TEXT if in_words else ()))]


def _pinned(name: str) -> str:
    from importlib.metadata import version

    return f"{name}=={version(name)}"


def save_model(
    model: SimilarityModel,
    path: str | Path,
    *,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: pd.DataFrame | None = None,
    pip_requirements: Sequence[str] | None = None,
    extra_pip_requirements: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    shared: tuple[SharedRun, str] | None = None,
    validate_serving_input: bool = True,
) -> None:
    """Write ``model`` as an MLflow model folder.

    Parameters
    ----------
    model : SimilarityModel
    path : str or Path
        Folder to create; it must not exist or must be empty.
    mlflow_model : mlflow.models.Model, optional
        Description to complete; `log_model` passes it.
    signature, input_example : optional
        By default those of `imgsim.mlflow.signature`: the input columns, the parameters ``k``, ``radius``, ``label``,
        and one picture of the model itself.
    pip_requirements, extra_pip_requirements : sequence of str, optional
        Instead of `get_default_pip_requirements` and our wheel, or besides them.
    metadata : mapping, optional
        Stored in ``MLmodel``.
    shared : tuple of SharedRun and str, optional
        Where files that versions share go instead, and the name of the registered model. By default the folder holds
        all its files.
    validate_serving_input : bool
        For `mlflow.models.Model.log`: load what was written, and ask the example.

    Raises
    ------
    ArgumentError
        ``path`` holds something already.
    """
    from mlflow.models import Model
    from mlflow.models.utils import _save_example

    from imgsim.mlflow.signature import example_of, signature_of

    folder = _empty_folder(absolute(path))
    description = Model() if mlflow_model is None else mlflow_model
    description.signature = signature_of(model) if signature is None else signature
    if metadata is not None:
        description.metadata = dict(metadata)
    _save_example(description, example_of(model) if input_example is None else input_example, str(folder))
    model.save(folder / MODEL_FOLDER)
    in_words = model.references.text is not None
    _write_environment(folder, pip_requirements, extra_pip_requirements, in_words)
    _describe(description, model, folder)
    if shared is not None:
        run, name = shared
        run.share(folder / MODEL_FOLDER, name).write(folder)


def _empty_folder(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} is not empty; an MLflow model needs a folder of its own: choose another path.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _describe(description: Model, model: SimilarityModel, folder: Path) -> None:
    """Write ``MLmodel``: both flavours, the size, and no location on this machine."""
    from mlflow import pyfunc
    from mlflow.models.model import MLMODEL_FILE_NAME

    environment = {"conda_env": "conda.yaml", "python_env": "python_env.yaml"}
    pyfunc.add_to_model(description, loader_module=__name__, data=MODEL_FOLDER, **environment)
    facts = {"digest": model.digest, "revision": model.revision, "insights": sorted(model.insights)}
    description.add_flavor(FLAVOR_NAME, data=MODEL_FOLDER, imgsim_version=installed_version(), **facts)
    description.model_size_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if description.model_id is not None:  # MLflow fills in the artifact folder of the logging machine
        description.artifact_path = f"models:/{description.model_id}"
    description.save(str(folder / MLMODEL_FILE_NAME))


def _write_environment(
    folder: Path, requirements: Sequence[str] | None, extra: Sequence[str] | None, in_words: bool
) -> None:
    from mlflow.utils import environment, yaml_utils

    tools: Any = environment  # both untyped
    yaml: Any = yaml_utils
    given = None if requirements is None else list(requirements)
    defaults = None
    if given is None:
        wheel = write_wheel(folder / WHEELS)
        defaults = [f"{WHEELS}/{wheel.name}", *get_default_pip_requirements(in_words)]
    conda, pip, constraints = tools._process_pip_requirements(defaults, given, None if extra is None else list(extra))
    yaml.write_yaml(str(folder), "conda.yaml", conda, sort_keys=False)
    (folder / "requirements.txt").write_text("\n".join(pip) + "\n", encoding="utf-8")
    if constraints:
        (folder / "constraints.txt").write_text("\n".join(constraints) + "\n", encoding="utf-8")
    tools._PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def log_model(
    model: SimilarityModel,
    name: str = "model",
    *,
    run_id: str | None = None,
    registered_model_name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    **options: Any,
) -> ModelInfo:
    """Log ``model`` to the current MLflow tracking server.

    Parameters
    ----------
    model : SimilarityModel
    name : str
        Name of the logged model.
    run_id : str, optional
        The run it belongs to, default the active one. Metrics the run has by now are attached to the model.
    registered_model_name : str, optional
        Also create a version of this registered model. (`imgsim.mlflow.registry.register` adds aliases and reuse.)
    params, tags : mapping, optional
        Of the logged model.
    **options
        Passed to `save_model`: ``signature``, ``input_example``, ``pip_requirements``, ``shared``, ...
    """
    from mlflow.models import Model

    info: ModelInfo = Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[__name__],
        model=model,
        run_id=run_id,
        model_id=None if run_id is None else _create_in_run(name, run_id, params, tags),
        registered_model_name=registered_model_name,
        params=None if params is None else dict(params),
        tags=None if tags is None else dict(tags),
        model_type=MODEL_TYPE,
        **options,
    )
    return info


def _create_in_run(name: str, run_id: str, params: Mapping[str, Any] | None, tags: Mapping[str, Any] | None) -> str:
    """Create the logged model in the run's own experiment; `Model.log` alone takes the default experiment."""
    from mlflow import MlflowClient

    client = MlflowClient()
    run = client.get_run(run_id)
    logged = client.create_logged_model(
        experiment_id=run.info.experiment_id,
        name=name,
        source_run_id=run_id,
        params={**_portable(run.data.params), **{key: str(value) for key, value in (params or {}).items()}},
        tags={key: str(value) for key, value in (tags or {}).items()},
        model_type=MODEL_TYPE,
    )
    return str(logged.model_id)


def _portable(params: Mapping[str, str]) -> dict[str, str]:
    """Leave out the parameter that names a place on the logging machine."""
    return {key: value for key, value in params.items() if key != "source"}


def load_model(model_uri: str | Path, dst_path: str | Path | None = None) -> SimilarityModel:
    """Load a model from a local MLflow folder, ``runs:/...`` or ``models:/...``.

    Parameters
    ----------
    model_uri : str or Path
    dst_path : str or Path, optional
        Existing folder to download into; by default a temporary one.

    Raises
    ------
    ModelFormatError
        It is not a model of this flavour.
    RegistryError
        Its files are missing on the server.
    """
    source = str(expand(model_uri)) if str(model_uri).startswith("~") else str(model_uri)
    if Path(source).is_dir():
        return load_folder(Path(source))
    folder = download(source, None if dst_path is None else absolute(dst_path))
    if dst_path is not None:
        complete(folder)
    return load_folder(folder)


def download_model(model_uri: str, path: str | Path) -> Path:
    """Download a model with all its files to a new folder, which needs no server from then on; return the folder.

    Parameters
    ----------
    model_uri : str
        ``models:/...`` or ``runs:/...``.
    path : str or Path

    Raises
    ------
    ArgumentError
        ``path`` exists.
    RegistryError
        Files are missing on the server.
    """
    target = absolute(path)
    with atomic_folder(target) as temporary:
        folder = download(model_uri, temporary)
        complete(folder)
        (folder / RECIPE).unlink(missing_ok=True)
        if folder != temporary:
            for item in folder.iterdir():
                item.rename(temporary / item.name)
            folder.rmdir()
    return target


def download(source: str, target: Path | None = None, **addresses: str) -> Path:
    """Download a model, without MLflow's progress bars unless the user has set them on.

    ``addresses`` are those of the server, for `mlflow.artifacts.download_artifacts`.

    Raises
    ------
    RegistryError
        Its files are missing where MLflow keeps them.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        folder = Path(download_artifacts(source, dst_path=None if target is None else str(target), **addresses))
        if any(folder.iterdir()):
            return folder
    except (MlflowException, OSError) as error:
        if not any(text in str(error) for text in _NO_FILES):
            raise
    raise RegistryError(
        f"{source} could not be downloaded: its files are missing where MLflow keeps them. Choose another version, or "
        "run the pipeline again.",
        "broken",
    )


def load_folder(folder: Path) -> SimilarityModel:
    """Load a model from a local MLflow model folder (the one that holds ``MLmodel``).

    What it shares with other versions is fetched where it is missing; the folder itself is left as it is.
    """
    from imgsim.model import load_model as load

    saved = folder / MODEL_FOLDER
    if not saved.is_dir():
        raise ModelFormatError(
            f"{folder} holds no {MODEL_FOLDER}: it is not an MLflow model of the flavour {FLAVOR_NAME!r}. "
            "Give the folder or URI of a model that imgsim logged."
        )
    complete_folder = whole(folder)
    try:
        return load(complete_folder / MODEL_FOLDER)
    except ModelFormatError as error:
        if complete_folder != folder and temporary_cause(error) is None:
            set_aside(complete_folder)  # the next try makes another copy
        raise


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> SimilarityPyfunc:
    """Load what ``mlflow.pyfunc.load_model`` asks for; ``path`` is the ``model.imgsim`` folder."""
    from imgsim.mlflow.pyfunc import SimilarityPyfunc

    return SimilarityPyfunc(load_folder(Path(path).parent))
