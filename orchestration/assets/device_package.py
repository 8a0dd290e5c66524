"""Common parts of the assets that export a model for devices: what a switched-off one holds, log and metadata."""

from typing import Any

import dagster as dg
import pandas as pd

from imgsim.deployment.package_folder import NOTES, DevicePackage
from orchestration import metadata
from orchestration.mlflow_resource import StageLog

DISABLED = "switched off in the configuration (enabled: false)."


def log_package(log: StageLog, value: DevicePackage, kind: str) -> dict[str, Any]:
    """Send the report to MLflow under ``kind``, and return what Dagster should show."""
    if value.folder is None or value.verification is None:
        log.tag(f"imgsim.{kind}", value.reason[:500])
        return {"exported": False, "reason": value.reason}
    report = value.verification
    log.tag(f"imgsim.{kind}", report.status)
    log.metrics({f"{kind}.{name}": number for name, number in report.metrics.items()})
    log.metrics({f"{kind}.megabytes": value.facts["bytes"] / 1e6})
    log.client.log_artifact(log.run_id, str(value.folder / NOTES), kind)
    figures = pd.DataFrame({"figure": list(report.metrics), "value": list(report.metrics.values())})
    figures["limit"] = [report.limits.get(name) for name in report.metrics]
    return {
        "exported": True,
        "package": dg.MetadataValue.path(str(value.path)),
        "megabytes": round(value.facts["bytes"] / 1e6, 2),
        "inputs": value.facts["inputs"],
        "outputs": value.facts["outputs"],
        "references": value.facts["n"],
        "dimensions": value.facts["dim"],
        "verification": report.status,
        "reason": report.reason,
        "compared_images": report.images,
        "figures": metadata.table(figures),
    }
