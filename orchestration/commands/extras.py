"""Check for the packages of the extra ``pipeline``, which both commands need."""

from importlib.util import find_spec

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError

_MODULES = {"dagster": "Dagster", "dagster_webserver": "Dagster's web server", "mlflow": "MLflow", "psutil": "psutil"}


def require_pipeline(command: str) -> None:
    """Check that Dagster and MLflow are installed; they are not imported.

    Raises
    ------
    MissingExtraError
        Names the missing packages and the extra to install.
    """
    missing = [name for module, name in _MODULES.items() if find_spec(module) is None]
    if missing:
        raise MissingExtraError(f"imgsim {command} needs {' and '.join(missing)}: {install_command('pipeline')}.")
