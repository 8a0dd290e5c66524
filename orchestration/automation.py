"""Job of the whole pipeline, its nightly schedule, and a sensor on a watched root."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.config import ImagesConfig
from orchestration.partitions import collections, is_collection_name
from orchestration.resources import StorageResource, watched_root
from orchestration.run_lock import end_dead_runs

INTERVAL_SECONDS = 30

pipeline = dg.define_asset_job(
    "pipeline", selection=dg.AssetSelection.all(), description="From a folder of images to a registered model."
)


@dg.schedule(job=pipeline, cron_schedule="0 3 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Run every collection once a night; unchanged results are reused."""
    names = context.instance.get_dynamic_partitions(str(collections.name))
    if not names:
        yield dg.SkipReason("there are no collections yet")
    for name in names:
        night = context.scheduled_execution_time.date().isoformat()
        yield dg.RunRequest(run_key=f"{name}-{night}", partition_key=name)


def folder_digest(folder: Path) -> str:
    """Return a digest of path, size and modification time of every file below ``folder``; reads no content."""
    content = hashlib.sha256()
    for path, size, modified in sorted(_files(folder, folder)):
        content.update(f"{path}\0{size}\0{modified}\n".encode(errors="surrogateescape"))
    return content.hexdigest()[:24]


def _files(folder: Path, root: Path) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path), root)
                elif not entry.name.startswith("."):
                    status = entry.stat()
                    yield Path(entry.path).relative_to(root).as_posix(), status.st_size, status.st_mtime_ns
            except FileNotFoundError:  # removed during the scan
                continue


@dg.sensor(job=pipeline, minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING)
def watched_collections(
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.SensorResult | dg.SkipReason:
    """Make each sub-folder of ``$IMGSIM_WATCH`` (default ``<home>/watch``) a collection, and run it when it changes."""
    end_dead_runs(context.instance)
    root = watched_root(storage.home)
    if not root.is_dir():
        return dg.SkipReason(f"{root} does not exist: create it, or set IMGSIM_WATCH; each sub-folder is a collection.")
    seen: dict[str, str] = json.loads(context.cursor or "{}")
    folders = {p.name: p for p in sorted(root.iterdir()) if p.is_dir() and not p.name.startswith(".")}
    usable = {name: folder_digest(path) for name, path in folders.items() if is_collection_name(name)}
    unusable = [name for name in folders if name not in usable]
    if unusable:
        context.log.warning(f"not collections (use a-z, 0-9, '-', '_', at most 63): {', '.join(map(repr, unusable))}")
    changed = {name: digest for name, digest in usable.items() if seen.get(name) != digest}
    known = set(context.instance.get_dynamic_partitions(str(collections.name)))
    new = [name for name in usable if name not in known]
    if not changed and not new:
        names = f"; not usable as names: {', '.join(map(repr, unusable))}" if unusable else ""
        return dg.SkipReason(f"nothing changed in {len(usable)} collections below {root}{names}")
    return dg.SensorResult(
        run_requests=[_request(name, digest, folders[name]) for name, digest in changed.items()],
        dynamic_partitions_requests=[collections.build_add_request(new)] if new else [],
        cursor=json.dumps(usable),
    )


def _request(name: str, digest: str, folder: Path) -> dg.RunRequest:
    config = dg.RunConfig(ops={"images": ImagesConfig(source=str(folder))})
    return dg.RunRequest(run_key=f"{name}-{digest}", partition_key=name, run_config=config)
