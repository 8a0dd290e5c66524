"""MLflow run that keeps what the versions of a registered model share, once, as artifacts ``shared/<sha256>``.

It has no metrics and is never a version's own run; its tag ``imgsim.shared`` names the registered model. Versions name
it in their ``shared.json`` (`imgsim.mlflow.shared.pieces`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from imgsim.errors import RegistryError
from imgsim.io.hashing import file_sha256
from imgsim.mlflow.pages import find_runs
from imgsim.mlflow.shared.pieces import Recipe, take_out

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TAG_SHARED = "imgsim.shared"
FOLDER = "shared"
_AT_ONCE = 8
_FIRST = 1
"""Time of the run, in ms since 1970: it is never the newest of an experiment."""
_NOTE = (
    "Networks, thumbnails and Core ML weights that the versions of `{name}` share, each kept once. Do not delete this "
    "run: versions would lose files. `imgsim registry prune {name}` removes what no version uses."
)


class SharedRun:
    """Store of shared pieces, by their sha256.

    Parameters
    ----------
    client : MlflowClient
    run : mlflow.entities.Run
        The run that holds them.
    """

    def __init__(self, client: MlflowClient, run: Run) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        self._client = client
        self.id = str(run.info.run_id)
        self.status = str(run.info.status)
        self.tags = {str(key): str(value) for key, value in run.data.tags.items()}
        self._files: Any = get_artifact_repository(run.info.artifact_uri)  # its methods are untyped

    def sizes(self) -> dict[str, int]:
        """Return the sha256 and the size of every piece; a piece that was sent in part has another size."""
        found = self._files.list_artifacts(FOLDER)
        return {posixpath.basename(item.path): int(item.file_size or 0) for item in found if not item.is_dir}

    def share(self, folder: Path, name: str) -> Recipe:
        """Take the shared pieces out of a model folder, and keep those that are not here yet.

        Parameters
        ----------
        folder : Path
            ``model.imgsim``, which is left with the rest of its files.
        name : str
            Of the registered model.
        """
        with TemporaryDirectory(prefix="imgsim-") as temporary:
            stage = Path(temporary)
            recipe = Recipe(name, self.id, take_out(folder, stage))
            there = self.sizes()
            for sha256, size in recipe.shared().items():
                if there.get(sha256) == size:
                    (stage / sha256).unlink()
            if any(stage.iterdir()):
                self._client.log_artifacts(self.id, str(stage), FOLDER)
        return recipe

    def fetch(self, pieces: Mapping[str, int], folder: Path) -> None:
        """Download pieces, given as sha256 and size, into a folder.

        Raises
        ------
        RegistryError
            One is gone or damaged ("broken").
        """
        there = self.sizes()
        gone = [sha256 for sha256, size in pieces.items() if there.get(sha256) != size]
        if not gone:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                for future in [threads.submit(self._download, sha256, folder) for sha256 in pieces]:
                    future.result()
            gone = [sha256 for sha256 in pieces if file_sha256(folder / sha256) != sha256]
        if gone:
            raise RegistryError(
                f"{len(gone)} of {len(pieces)} shared files are missing or damaged in MLflow's run {self.id} (first: "
                f"{FOLDER}/{gone[0]}). Delete what is left of them there and run the pipeline again, which sends them "
                "anew, or choose another version.",
                "broken",
            )

    def remove(self, sha256: str) -> None:
        """Remove a piece."""
        self._files.delete_artifacts(posixpath.join(FOLDER, sha256))

    def _download(self, sha256: str, folder: Path) -> None:
        self._files._download_file(posixpath.join(FOLDER, sha256), str(folder / sha256))


def shared_runs(client: MlflowClient, name: str) -> list[SharedRun]:
    """Find the runs that hold shared pieces of a registered model: one, or more if two processes made the first."""
    found = find_runs(client, f"tags.`{TAG_SHARED}` = '{name}'")
    return [SharedRun(client, run) for run in sorted(found, key=lambda run: str(run.info.run_id))]


def shared_run(client: MlflowClient, name: str, experiment: str) -> SharedRun:
    """Find the run with the shared pieces of a registered model, or make it in an experiment."""
    found = shared_runs(client, name)
    if found:
        if found[0].status == "RUNNING":  # who made it was killed
            client.set_terminated(found[0].id, end_time=_FIRST)
        return found[0]
    tags = {TAG_SHARED: name, "mlflow.note.content": _NOTE.format(name=name)}
    run = client.create_run(experiment, _FIRST, tags, run_name=f"{name}: shared files")
    client.set_terminated(run.info.run_id, end_time=_FIRST)
    return SharedRun(client, run)


def run_of(client: MlflowClient, run_id: str, uri: str) -> SharedRun:
    """Return the run that a version names.

    Raises
    ------
    RegistryError
        The server has no such run ("broken").
    """
    from mlflow.exceptions import MlflowException

    try:
        return SharedRun(client, client.get_run(run_id))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise RegistryError(
            f"MLflow at {uri} has no run {run_id}, which holds files that versions share: it was deleted, or the model "
            "comes from another server. Set MLFLOW_TRACKING_URI to that one, or choose another version.",
            "broken",
        ) from error
