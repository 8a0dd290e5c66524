"""``imgsim query``: the reference images nearest to pictures, or to words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsim.cli.console import emit, note, print_table, records, say
from imgsim.cli.create import ModelAt, opened
from imgsim.cli.load import AsJson
from imgsim.cli.output_files import PICTURES, TABLES, check_suffix, write_picture, write_table
from imgsim.io.paths import expand

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.model import SimilarityModel

Radius = Annotated[float | None, typer.Option(min=0.0, help="Only neighbours at this distance or nearer.")]


def query(
    model: ModelAt,
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="Images, folders of images, or URLs.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=0, help="Neighbours per image; 0: all.")] = 5,
    radius: Radius = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="REF", help="Ask with a reference image, by its id or path; repeatable."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="Ask in words; repeatable. With images all texts are added to each."),
    ] = None,
    minus: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="Words to steer away from, in every query; repeatable.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Save as .csv or .parquet.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Save a picture of every query with its neighbours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the nearest reference images of pictures, or of words.

    A stored image finds itself first. --radius alone still gives at most 5; -k 0 gives all within the radius. --text
    needs a model whose network has a text tower (CLIP, SigLIP); its distances are larger than those of pictures.
    """
    check_suffix(output, TABLES, "--output")
    check_suffix(sheet, PICTURES, "--sheet")
    if not images and not ids and not text:
        what = "give at least one image, a reference image with --id, or words with --text."
        raise typer.BadParameter(what, param_hint="IMAGE...")
    words = Words(text or [], minus or [])
    with opened(model) as opened_model:
        asking = _Asking(opened_model, words, k or None, radius)
        found, queries = _ask(asking, _files(images or []), ids or [])
        if sheet is not None:
            write_picture(_sheet(opened_model, found, queries), sheet)
    if output is not None:
        write_table(found, output)
    if as_json:
        emit({"model": model, "k": k, "radius": radius, "queries": _by_query(found, queries)})
        return
    for name in queries:
        _print_answer(name, found[found["query"] == name])
    for path in filter(None, (output, sheet)):
        note(f"saved {path}")


@dataclass(frozen=True)
class Words:
    """Words of ``--text`` and ``--minus``."""

    texts: list[str]
    minus: list[str]

    def queries(self) -> dict[str, dict[str, float]]:
        """Return a query for each text, by its name, as `SimilarityModel.query` takes it."""
        return {self._name(text): self._weights([text]) for text in self.texts}

    def added(self) -> dict[str, float] | None:
        """Return what is added to each picture, or None."""
        return self._weights(self.texts) or None

    def _weights(self, texts: list[str]) -> dict[str, float]:
        weights = dict.fromkeys(texts, 1.0)
        for text in self.minus:
            weights[text] = weights.get(text, 0.0) - 1.0
        return weights

    def _name(self, text: str) -> str:
        return " - ".join([text, *self.minus])


@dataclass(frozen=True)
class _Asking:
    """A model and what holds for each query."""

    model: SimilarityModel
    words: Words
    k: int | None
    radius: float | None

    def pictures(self, queries: dict[str, Any]) -> pd.DataFrame:
        """Answer files or ids, by name."""
        text = self.words.added()
        return self.model.query(list(queries.values()), k=self.k, radius=self.radius, ids=list(queries), text=text)

    def texts(self) -> pd.DataFrame:
        """Answer the texts."""
        queries = self.words.queries()
        return self.model.query(k=self.k, radius=self.radius, ids=list(queries), text=list(queries.values()))


def _files(images: list[str]) -> list[str]:
    """List files as given, those of folders in their order, each once."""
    from imgsim.images.load import load_images

    files: list[str] = []
    for image in images:
        if not expand(image).is_dir():
            files.append(image)
            continue
        table = load_images(image, labels=None, progress=True)
        files += table.locations
        for row in table.rejected.itertuples():
            note(f"left out {image}/{row.path}: {row.reason}")
    return list(dict.fromkeys(files))


def _by_files(asking: _Asking, files: dict[str, Any]) -> list[pd.DataFrame]:
    """Answer for files; among several, one that cannot be decoded is left out and named on stderr."""
    from imgsim.errors import QueryError

    try:
        return [asking.pictures(files)]
    except QueryError:
        if len(files) == 1:
            raise
    answers = []
    for name, file in files.items():
        try:
            answers.append(asking.pictures({name: file}))
        except QueryError as error:
            note(f"left out: {error}")
    if not answers:
        raise QueryError(f"none of the {len(files)} query images can be used.")
    return answers


def _ask(asking: _Asking, files: list[str], ids: list[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return neighbours with path and label, and the file or id of each query by its name; None for words."""
    import pandas as pd

    from imgsim.io.urls import is_url
    from imgsim.references.ids import named_id

    model = asking.model
    by_file = {file: file if is_url(file) else Path(file) for file in files}
    by_id = {f"id {value}": named_id(model.references, value) for value in ids}
    answers = _by_files(asking, by_file) if by_file else []
    if by_id:
        answers.append(asking.pictures(by_id))
    by_text = {} if by_file or by_id else dict.fromkeys(asking.words.queries())
    if by_text:
        answers.append(asking.texts())
    if not answers:
        from imgsim.errors import QueryError

        raise QueryError("the folders given hold no usable image: nothing to look for.")
    found = pd.concat(answers, ignore_index=True)
    rows = model.references.rows_of_ids(found["reference_label"].tolist())
    paths, labels_of = model.images.paths, model.images.labels
    return pd.DataFrame(
        {
            "query": found["query_label"].astype(str),
            "rank": found["rank"],
            "id": found["reference_label"],
            "distance": found["distance"],
            "label": pd.Series([labels_of[row] for row in rows], dtype=object),
            "path": [paths[row] for row in rows],
        }
    ), {**by_file, **by_id, **by_text}


def _by_query(found: pd.DataFrame, queries: dict[str, Any]) -> list[dict[str, Any]]:
    grouped = dict(iter(found.groupby("query", sort=False)))
    empty = found.iloc[:0]
    return [{"query": name, "neighbors": records(grouped.get(name, empty).drop(columns="query"))} for name in queries]


def _print_answer(name: str, found: pd.DataFrame) -> None:
    say(name)
    if not len(found):
        say("nothing within the radius")
        say()
        return
    rows = [(row.rank, row.id, f"{row.distance:.4f}", row.label or "", row.path) for row in found.itertuples()]
    print_table(("rank", "id", "distance", "label", "path"), rows, right=("rank", "id", "distance"))
    say()


def _sheet(model: SimilarityModel, found: pd.DataFrame, queries: dict[str, Any]) -> Any:
    """Draw a row per query."""
    from imgsim.references.show import NO_PICTURE, draw_neighbors, shown_query

    answers = [found[found["query"] == name] for name in queries]
    return draw_neighbors(
        model.references,
        [NO_PICTURE if asked is None else shown_query(model.references, asked) for asked in queries.values()],
        [(answer["id"].tolist(), answer["distance"].tolist()) for answer in answers],
    )
