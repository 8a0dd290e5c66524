"""Sensor on the watched root: what is published becomes equal to what each of its folders holds.

A folder's content is known by its digest. It must be run when the last successful run of the collection has read other
content. So content that returns is run again, and so is content whose run has failed. The sensor waits

- until the content is still: it has been seen at two ticks, so that a copy in progress is not published half;
- while the collection has a run that is queued or under way;
- after a failed or canceled run: not before the first retry, then 1, 2, 4, ... minutes, at most a day.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from imgsim.errors import ImgsimError
from imgsim.io.atomic import exists
from imgsim.io.error_text import explain
from imgsim.io.urls import is_url
from orchestration.automation.history import DIGEST_TAG, History
from orchestration.automation.schedule import pipeline
from orchestration.automation.watched import NOTHING, folder_digest, interval_seconds, watched_folders, watched_root
from orchestration.config import ImagesConfig
from orchestration.partitions import collections
from orchestration.resources import StorageResource
from orchestration.run_lock import end_dead_runs

INTERVAL_SECONDS = interval_seconds()
FIRST_WAIT, LONGEST_WAIT = 60, 86_400
"""Seconds after the second failure in a row, and at most."""
SEEN = 16
"""Digests of one folder that are remembered."""


@dataclass(frozen=True)
class Watch:
    """The sensor's memory of one collection, kept in its cursor.

    ``seen`` are the digests of earlier ticks. ``asked`` is the digest of the last run request, ``key`` its run key, and
    ``tries`` the number of requests for this digest in a row.
    """

    seen: tuple[str, ...] = ()
    asked: str | None = None
    key: str = ""
    tries: int = 0


@dataclass
class Tick:
    """Decisions of one tick."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    memory: dict[str, Watch] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dg.sensor(
    job=pipeline,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Each sub-folder of {watched_root()} ($IMGSIM_WATCH) is a collection: a run starts when its content "
    "has changed, and has then been still for one tick.",
)
def watched_collections(context: dg.SensorEvaluationContext, storage: StorageResource) -> dg.SensorResult:
    """Make each sub-folder of the watched root a collection, and run it when its content is not what is published."""
    end_dead_runs(context.instance)
    root = watched_root(storage.home)
    try:
        root.mkdir(parents=True, exist_ok=True)
        folders, problems = watched_folders(root)
    except OSError as error:
        reason = f"{root} cannot be watched: {explain(error)}. Mend that, or set IMGSIM_WATCH to another folder."
        return dg.SensorResult(skip_reason=reason, cursor=context.cursor)
    tick = Tick(problems=problems)
    memory, history = read_memory(context.cursor), History(context.instance)
    known = set(context.instance.get_dynamic_partitions(str(collections.name)))
    for name, paths in folders.items():
        folder = _one(name, paths, storage, tick.problems)
        before = memory.get(name, Watch())
        tick.memory[name] = before
        if folder is not None:
            _watch(tick, name, folder, before, history, known)
    for name in (memory.keys() - folders.keys()) & known:
        tick.memory[name] = memory[name]
        tick.problems.append(
            f"collection {name!r}: its folder below {root} is gone, and what is published stays. Put the folder back, "
            f"or remove the collection: imgsim forget {name}."
        )
    for problem in tick.problems:
        context.log.warning(problem)
    return _result(tick, root)


def _watch(tick: Tick, name: str, folder: Path, before: Watch, history: History, known: set[str]) -> None:
    """Decide about one collection."""
    try:
        digest = folder_digest(folder)
    except (ImgsimError, OSError) as error:
        tick.problems.append(f"collection {name!r} is left out: {error}")
        return
    after = replace(before, seen=(*[other for other in before.seen if other != digest], digest)[-SEEN:])
    tick.memory[name] = after
    if digest == NOTHING:
        _report_empty(tick, name, folder, known)
    elif reason := why_not(name, digest, before, history, time.time()):
        tick.waiting |= {name: reason} if reason != DONE else {}
    else:
        asked = ask(name, digest, after)
        tick.memory[name] = asked
        tick.requests.append(_request(name, digest, asked.key, folder))
        if name not in known:
            tick.new.append(name)


def _report_empty(tick: Tick, name: str, folder: Path, known: set[str]) -> None:
    if name in known:
        tick.problems.append(
            f"collection {name!r}: {folder} has no image any more, and what is published stays. Put images back, or "
            f"remove the collection: imgsim forget {name}."
        )
    else:
        tick.waiting[name] = "no image yet"


DONE = "published"


def why_not(name: str, digest: str, before: Watch, history: History, now: float) -> str:
    """Return why a collection needs no run at this tick; empty if it needs one."""
    run = history.of_key(before.key) if before.asked == digest else None
    if name in history.busy or (run is not None and not run.dagster_run.is_finished):
        return "a run is under way"
    published = history.published(name)
    if published == digest or (published is None and run is not None and run.dagster_run.is_success):
        return DONE
    if digest not in before.seen:
        return "waiting until its content is still"
    if run is not None and not run.dagster_run.is_success:
        wait = wait_seconds(before.tries)
        if now < (run.end_time or 0) + wait:
            return f"{before.tries} runs in a row failed; the next starts {wait:.0f} s after the last"
    return ""


def wait_seconds(tries: int) -> float:
    """Return the seconds between the failure of the last of so many runs and the next."""
    return 0 if tries < 2 else min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 2, 30))


def ask(name: str, digest: str, after: Watch) -> Watch:
    """Return the memory after a run request; its run key is new, for Dagster starts a run key once for ever."""
    tries = after.tries + 1 if after.asked == digest else 1
    return replace(after, asked=digest, key=f"{name}-{digest}-{uuid.uuid4().hex[:8]}", tries=tries)


def read_memory(cursor: str | None) -> dict[str, Watch]:
    """Read the cursor; what an earlier version wrote, or something else, is no memory."""
    try:
        found: dict[str, Any] = json.loads(cursor or "{}")
        return {name: Watch(**state | {"seen": tuple(state["seen"])}) for name, state in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _one(name: str, paths: list[Path], storage: StorageResource, problems: list[str]) -> Path | None:
    """Return the folder that a collection is read from: the one it holds already, else the first."""
    held = storage.remembered(name)
    mine = [path for path in paths if held is not None and os.path.realpath(path) == os.path.realpath(held)]
    chosen = (mine or paths)[0]
    others = ", ".join(repr(str(path)) for path in paths if path != chosen)
    if others:
        problems.append(
            f"{others} and {str(chosen)!r} have one name, {name!r}: only {str(chosen)!r} is run. Rename one."
        )
    if not mine and held is not None and (is_url(held) or exists(Path(held))):
        problems.append(f"{str(chosen)!r} is left out: collection {name!r} already holds {held}. Rename the folder.")
        return None
    return chosen


def _request(name: str, digest: str, key: str, folder: Path) -> dg.RunRequest:
    config = dg.RunConfig(ops={"images": ImagesConfig(source=str(folder))})
    return dg.RunRequest(run_key=key, partition_key=name, run_config=config, tags={DIGEST_TAG: digest})


def _result(tick: Tick, root: Path) -> dg.SensorResult:
    cursor = json.dumps({name: asdict(watch) for name, watch in tick.memory.items()})
    if tick.requests:
        added = [collections.build_add_request(tick.new)] if tick.new else []
        return dg.SensorResult(run_requests=tick.requests, dynamic_partitions_requests=added, cursor=cursor)
    return dg.SensorResult(skip_reason=_summary(tick.memory, tick.waiting, tick.problems, root), cursor=cursor)


def _summary(memory: Mapping[str, Watch], waiting: Mapping[str, str], problems: list[str], root: Path) -> str:
    lines = [f"nothing to run in {len(memory)} collections below {root}"]
    lines += [f"{name}: {reason}" for name, reason in waiting.items()]
    return "; ".join(lines + problems)
