"""Claims on a registered model: while a version is registered, nothing of it is pruned, and the other way round.

A claim is a tag ``imgsim.<what>.<number>`` of the run that holds the shared pieces, with the time. Each side sets its
own claim first and looks for the other's then, so that at least one of them sees the other. A registration waits; a
removal gives up. Claims of processes that were killed expire.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from imgsim.errors import RegistryError
from imgsim.mlflow.shared.run import SharedRun, shared_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient

REGISTERING, REMOVING = "imgsim.registering.", "imgsim.removing."
LIFE = {REGISTERING: 6 * 3600.0, REMOVING: 600.0}
"""Seconds after which a claim is that of a dead process."""
PATIENCE = 120.0
"""Seconds that a registration waits for a removal."""


class Claim:
    """A claim of this process, which says that it is alive from time to time.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
    kind : str
        `REGISTERING` or `REMOVING`.
    """

    def __init__(self, client: MlflowClient, run_id: str, kind: str) -> None:
        self._client, self._run_id, self._kind = client, run_id, kind
        self._key = kind + uuid.uuid4().hex[:12]
        self._since = time.time()
        self._set()

    def renew(self) -> None:
        """Say that this process is alive.

        Raises
        ------
        RegistryError
            It was silent so long that others take it for dead.
        """
        silent = time.time() - self._since
        if silent > LIFE[self._kind]:
            raise RegistryError("the removal was interrupted for too long and is not continued; start it again.")
        if silent > LIFE[self._kind] / 10:
            self._set()

    def end(self) -> None:
        """Take the claim back; where the server is gone, it expires."""
        from mlflow.exceptions import MlflowException

        with suppress(MlflowException):
            self._client.delete_tag(self._run_id, self._key)

    def _set(self) -> None:
        self._since = time.time()
        self._client.set_tag(self._run_id, self._key, f"{self._since:.0f}")


@contextmanager
def registering(client: MlflowClient, run: SharedRun, name: str) -> Iterator[None]:
    """Keep removals away while a version is registered; wait for one that is under way.

    Raises
    ------
    RegistryError
        A removal does not end.
    """
    claim = Claim(client, run.id, REGISTERING)
    try:
        limit = time.monotonic() + PATIENCE
        while _claims(client, name, REMOVING):
            if time.monotonic() > limit:
                raise RegistryError(f"versions of {name} are being removed; register again when that has ended.")
            time.sleep(0.5)
        yield
    finally:
        claim.end()


@contextmanager
def removing(client: MlflowClient, runs: Sequence[SharedRun], name: str) -> Iterator[Sequence[Claim]]:
    """Keep registrations waiting while versions are removed; yield the claims, to be renewed.

    Raises
    ------
    RegistryError
        A registration is under way.
    """
    with ExitStack() as stack:
        claims = [Claim(client, run.id, REMOVING) for run in runs]
        for claim in claims:
            stack.callback(claim.end)
        if under_way := _claims(client, name, REGISTERING):
            run, tag = under_way[0]
            raise RegistryError(
                f"a version of {name} is being registered, so nothing is removed. Try again when that has ended. If "
                f"its process was killed: in 6 hours, or delete the tag {tag} of MLflow's run {run}."
            )
        yield claims


def _claims(client: MlflowClient, name: str, kind: str) -> list[tuple[str, str]]:
    """List the claims of living processes: run and tag."""
    oldest = time.time() - LIFE[kind]
    tags = [(run.id, key, value) for run in shared_runs(client, name) for key, value in run.tags.items()]
    return [
        (run, key) for run, key, value in tags if key.startswith(kind) and value.isdecimal() and float(value) > oldest
    ]
