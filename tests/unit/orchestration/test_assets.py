"""The graph of assets keeps its names."""

import dagster as dg
import pytest

from imgsim.insights.registry import INSIGHTS
from orchestration.assets import ASSETS
from orchestration.definitions import resources
from orchestration.result_cache import library_version
from tests import dagster_names

SPECS = {spec.key.to_user_string(): spec for asset in ASSETS for spec in asset.specs}


def test_assets_have_their_groups_versions_and_inputs() -> None:
    found = {
        name: (
            spec.group_name,
            (spec.code_version or "").replace(library_version(), "library"),
            {dep.asset_key.to_user_string() for dep in spec.deps},
        )
        for name, spec in SPECS.items()
    }
    wanted = {name: (*facts, set(deps.split())) for name, (*facts, deps) in dagster_names.STEPS.items()}
    assert found == wanted
    assert all(spec.owners == ["team:imgsim"] for spec in SPECS.values())


def test_checks_have_their_names() -> None:
    found: dict[str, set[str]] = {}
    for asset in ASSETS:
        for check in asset.check_specs:
            found.setdefault(check.asset_key.to_user_string(), set()).add(check.name)
    assert found == {asset: set(names.split()) for asset, names in dagster_names.CHECKS.items()}


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.node_def.name)
def test_steps_have_their_configuration(asset: dg.AssetsDefinition) -> None:
    fields = getattr(asset.node_def.config_schema.config_type, "fields", {})
    assert set(fields) == set(dagster_names.CONFIG.get(asset.node_def.name, "").split())


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.node_def.name)
def test_every_step_is_by_collection_with_resources_that_there_are(asset: dg.AssetsDefinition) -> None:
    assert asset.partitions_def.name == "collections"
    assert asset.node_def.retry_policy is None, "Dagster would retry an interrupt"
    assert asset.required_resource_keys <= set(resources())


@pytest.mark.parametrize("name", ["insight_report", "registered_model"])
def test_what_is_published_takes_every_insight(name: str) -> None:
    assert {dep.asset_key.to_user_string() for dep in SPECS[name].deps} >= set(INSIGHTS)
