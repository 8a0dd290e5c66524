"""``python -m orchestration.demo``: the whole pipeline on a folder of images, or on the packaged sample."""

import argparse
import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from imgsim import errors
from imgsim.errors import ArgumentError, ImgsimError
from imgsim.insights.duplicates.find import TIERS
from imgsim.insights.registry import load_insight
from imgsim.io.home import home
from imgsim.mlflow.connection import default_tracking_uri
from imgsim.sample.unpack import REPEATED, default_folder, unpack_sample
from orchestration.config import EvaluationConfig, FeaturesConfig, ImagesConfig, InsightsConfig
from orchestration.definitions import defs
from orchestration.failures import no_memory, no_records, record_errors
from orchestration.instance import prepare_instance
from orchestration.partitions import check_collection_name, collections, slug
from orchestration.resources import StorageResource
from orchestration.result_cache import current
from orchestration.run_lock import turn
from orchestration.silence_tools import quiet

HINT = (
    "mini is packaged and works offline; a network trained on ImageNet finds better neighbours (Caltech-101:\n"
    "precision@10 0.864 instead of 0.743): make demo IMAGES=... BACKBONE=mobilenet_v2 downloads one once."
)
Facts = dict[str, dict[str, Any]]
_OURS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ImgsimError)}


@dataclass
class Progress:
    """Prints one line per finished stage, and remembers what each reported and why one failed."""

    facts: Facts = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    failure: str = ""

    def __call__(self, entry: dg.EventLogEntry, _cursor: str = "") -> None:
        """Take one event of the run."""
        event = entry.dagster_event
        if event is None:
            return
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            asset = event.step_materialization_data.materialization
            name = asset.asset_key.to_user_string()
            self.facts[name] = {key: value.value for key, value in asset.metadata.items()}
            self.steps.setdefault(str(event.step_key), []).append(name)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.blocking and not check.passed and check.description:
                self.problems.append(check.description)
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            state = "reused" if self.reused(str(event.step_key)) else "done"
            say(f"  {event.step_key:<17}{state:<7}{event.step_success_data.duration_ms / 1000:7.2f} s")
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY:
            say(f"  {event.step_key:<17}failed; trying again")
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE and not self.failure:
            self.failure = f"{event.step_key}: {_reason(event, self.problems)}"

    def reused(self, step: str) -> bool:
        """Whether everything a step gave was there already."""
        assets = self.steps.get(step, [])
        return bool(assets) and all(self.facts[name].get("reused") for name in assets)


def _reason(event: dg.DagsterEvent, problems: Sequence[str] = ()) -> str:
    """What imgsim says about it (of failed checks, the ``problems`` they found), else the innermost cause."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
        checks = error.message.strip().rsplit(":", 1)[-1].strip().replace(",", ", ")
        return f"{' '.join([f'stopped by the check {checks}:', *problems])} See the run in Dagster (make ui)."
    while error is not None and error.cause is not None and error.cls_name not in _OURS:
        error = error.cause
    if error is None:
        return "failed"
    return error.message.strip().removeprefix(f"imgsim.errors.{error.cls_name}: ")


def say(text: str = "") -> None:
    """Print a line for people."""
    print(text, flush=True)  # noqa: T201  a command for people


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line; empty values mean the defaults, as ``make`` passes them."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.demo", description=__doc__)
    parser.add_argument("--images", default="", help="folder, table or URL; default: the packaged sample")
    parser.add_argument("--collection", default="", help="name of the collection; default: from the folder's name")
    parser.add_argument("--backbone", default="", help="network; default: mini")
    parser.add_argument("--weights", default="", help="state dict of the network")
    parser.add_argument(
        "--label-background", action="append", help="a label that is no class (repeatable; default BACKGROUND_Google)"
    )
    return parser.parse_args(argv)


def run_config(options: argparse.Namespace, source: str) -> dg.RunConfig:
    """Configuration of the run; Dagster's own log lines stay off the console."""
    background = {} if options.label_background is None else {"background": options.label_background}
    return dg.RunConfig(
        ops={
            "images": ImagesConfig(source=source),
            "features": FeaturesConfig(backbone=options.backbone or "mini", weights=_absolute(options.weights)),
            "evaluation": EvaluationConfig(**background),
            "insights": InsightsConfig(**background),
        },
        loggers={"console": {"config": {"log_level": "CRITICAL"}}},
    )


def _absolute(path: str) -> str:
    return os.path.normpath(Path(path).expanduser().absolute()) if path and path != "random" else path


def sample_folder() -> Path:
    """Return the folder of the packaged sample, unpacked on first use; what was changed in it stays."""
    folder = default_folder()
    return folder if folder.is_dir() else unpack_sample()


def _by_folder(source: str) -> str:
    """The collection called like the folder, unless it is that of another folder."""
    collection = slug(source)
    held = StorageResource().remembered(collection)
    sample = source == str(default_folder()) and str(held).endswith("/samples/sample")  # of a store that was moved
    if held not in (None, source) and not sample:
        raise ArgumentError(
            f"collection {collection!r} already holds {held}; give COLLECTION=another-name for {source}, "
            f"or COLLECTION={collection} to go on with it from there."
        )
    return collection


def materialise(collection: str, config: dg.RunConfig) -> Progress:
    """Run the job ``pipeline`` for one collection in this process, recorded in the instance that the UI shows."""
    ref = InstanceRef.from_dir(str(prepare_instance()), overrides=_ON_CONSOLE)
    progress = Progress()
    with dg.DagsterInstance.from_ref(ref) as instance:
        instance.add_dynamic_partitions(str(collections.name), [collection])
        run_id = str(uuid.uuid4())
        instance.add_event_listener(run_id, progress)
        job = defs().resolve_job_def("pipeline")
        with turn(instance, collection, run_id, lambda: say("another run of this collection is under way: waiting")):
            result = job.execute_in_process(
                run_config=config, instance=instance, partition_key=collection, run_id=run_id, raise_on_error=False
            )
    if not result.success and not progress.failure:
        progress.failure = "the run failed; see Dagster's UI (make ui)"
    return progress


_ON_CONSOLE = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


def summary(progress: Progress, collection: str, seconds: float) -> str:
    """What the run gave, in the words of its metadata."""
    facts = progress.facts
    images, features, graph = facts["images"], facts["features"], facts["neighbor_graph"]
    quality, model = facts["evaluation"], facts["registered_model"]
    rejected = images["rejected"] + features["undecodable"]
    reused = [step for step in progress.steps if progress.reused(step)]
    pace = f"{features['ms_per_image']:.1f} ms per image" if features["computed"] else "none had to be computed"
    rows = {
        "images": f"{features['features']:,} read, {rejected:,} rejected, {images['labels']} labels",
        "source": images["source"],
        "features": f"{features['features']:,} x {features['dimensions']} ({features['backbone']}), "
        f"{features['computed']:,} computed, {pace}",
        "graph": f"{graph['method']}, k={graph['k']}, {graph['edges']:,} edges, {_measured(quality, 'recall')}",
        "quality": _measured(quality, "precision"),
        **_found(facts, collection),
        "model": f"{model['model']} version {model['version']} ({model['aliases']})",
        "why": model["reason"],
        "reused": ", ".join(reused) or "nothing: all of it was new",
        "time": f"{seconds:.1f} s",
        "collection": str(home() / "collections" / collection),
        "features in": str(home() / "store"),
        "MLflow": default_tracking_uri(),
        "Dagster": os.environ["DAGSTER_HOME"],
        "look around": f"make ui   ({_interfaces()})",
    }
    return "\n".join(f"  {name:<13}{value}" for name, value in rows.items())


def _found(facts: Facts, collection: str) -> dict[str, str]:
    """What the insights found, and of the packaged sample what there was to find."""
    duplicates, labels = facts["duplicates"], facts["label_errors"]
    tiers = [(tier, int(duplicates[f"{tier}_images"])) for tier in TIERS]
    rows = {
        "duplicates": ", ".join(f"{count:,} {tier.replace('_', ' ')}" for tier, count in tiers) + " (but for one each)",
        "labels": f"{labels['flagged']:,.0f} of {labels['judged']:,.0f} likely wrong",
        "outliers": f"{facts['outliers']['outliers']:,.0f}",
        "bad pictures": f"{facts['quality']['images']:,.0f}",
        "clusters": f"{facts['clusters']['clusters']:,.0f}",
        "report": str(facts["insight_report"]["report"]),
    }
    if Path(facts["images"]["source"]) == default_folder():
        folder = current(home() / "collections" / collection / "duplicates")
        groups = load_insight(folder).tables["groups"]
        found = {Path(path).name for path in groups.loc[groups["tier"] != "look_alike", "path"]}
        hits = [name for name in REPEATED if name in found]
        rows["planted"] = f"{len(hits)} of {len(REPEATED)} duplicates found: {', '.join(hits)}"
    return rows


def _interfaces() -> str:
    from orchestration.ui import DASHBOARD

    addresses = ["Dagster http://127.0.0.1:3000", "MLflow http://127.0.0.1:5000"]
    return ", ".join([*addresses, "dashboard http://127.0.0.1:8501"] if DASHBOARD.exists() else addresses)


def _measured(metrics: Mapping[str, Any], name: str) -> str:
    """``recall@10 0.998 (0.997 to 0.999)``, or that there is none."""
    found = [key for key in metrics if key.startswith(f"{name}_at_") and key.rsplit("_", 1)[-1].isdigit()]
    if not found:
        return f"no {name}: the images have no labels" if name == "precision" else f"no {name}"
    key = found[0]
    low, high = metrics[f"{key}_low"], metrics[f"{key}_high"]
    return f"{key.replace('_at_', '@')} {metrics[key]:.3f} (95 % {low:.3f} to {high:.3f})"


def main(argv: list[str] | None = None) -> int:
    """Run; the exit code is 0, or 1 with one clear message on stderr."""
    options = arguments(argv)
    quiet()
    start = time.perf_counter()
    try:
        source = options.images if "://" in options.images else _absolute(options.images)
        source = source or str(sample_folder())
        collection = check_collection_name(options.collection) if options.collection else _by_folder(source)
        say(f"imgsim: collection {collection}, everything in {home()}")
        progress = materialise(collection, run_config(options, source))
    except ImgsimError as error:
        progress = Progress(failure=str(error))
    except MemoryError as error:
        progress = Progress(failure=no_memory(error))
    except record_errors() as error:
        progress = Progress(failure=no_records(error))
    if progress.failure:
        print(f"error: {progress.failure}", file=sys.stderr)  # noqa: T201
        return 1
    say()
    say(summary(progress, collection, time.perf_counter() - start))
    if not options.backbone:
        say(f"\n{HINT}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
