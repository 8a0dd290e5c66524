"""Lists that MLflow hands out in pages, read to their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.store.entities import PagedList

Item = TypeVar("Item")


def all_pages(search: Callable[[str | None], PagedList[Item]]) -> list[Item]:
    """Return the items of all pages; ``search`` takes the token of a page, None for the first."""
    page = search(None)
    found = list(page)
    while page.token:
        page = search(page.token)
        found += page
    return found


def find_versions(client: MlflowClient, wanted: str) -> list[ModelVersion]:
    """Find the versions of registered models that pass an MLflow filter."""
    return all_pages(lambda token: client.search_model_versions(wanted, page_token=token))


def find_runs(client: MlflowClient, wanted: str) -> list[Run]:
    """Find the runs of all experiments that pass an MLflow filter."""
    found = _experiments(client)
    return all_pages(lambda token: client.search_runs(found, wanted, page_token=token)) if found else []


def find_logged_models(client: MlflowClient, name: str) -> list[LoggedModel]:
    """Find the logged models of a name, in all experiments."""
    found, wanted = _experiments(client), f"name = '{name}'"
    return all_pages(lambda token: client.search_logged_models(found, wanted, page_token=token)) if found else []


def _experiments(client: MlflowClient) -> list[str]:
    return [item.experiment_id for item in all_pages(lambda token: client.search_experiments(page_token=token))]
