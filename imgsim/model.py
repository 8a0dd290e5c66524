"""`SimilarityModel`: queries, neighbour graph, insights, updates and export of a set of reference images."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.backbones.spec import BackboneSpec
from imgsim.errors import ArgumentTypeError
from imgsim.evaluation import BACKGROUND, Evaluation
from imgsim.features.embeddings import Projection
from imgsim.images.table import ImageTable
from imgsim.neighbors.graph import NeighborGraph, build_graph, resolve_method
from imgsim.references import folder
from imgsim.references.classify import classify
from imgsim.references.ids import mask_of
from imgsim.references.query import embed, query_ids
from imgsim.references.references import References
from imgsim.references.results import edges_within, graph_output, query_frame
from imgsim.references.text_query import resolve_mixed

if TYPE_CHECKING:
    from PIL.Image import Image

    from imgsim.decisions import Decisions
    from imgsim.deployment.device_export import DeviceExport
    from imgsim.features.store import FeatureStore
    from imgsim.references.insight import Insight
    from imgsim.references.update import Changes


def load_model(path: str | Path, verify: bool = True) -> SimilarityModel:
    """Read a model folder; no network, torch or backbone is needed, and vectors are memory-mapped.

    Parameters
    ----------
    path : str or Path
        A folder written by `SimilarityModel.save`.
    verify : bool
        Compare every part with its checksum (0.1 s for 9,000 images).

    Raises
    ------
    ModelFormatError
        No model there; a part missing, damaged or foreign; a format newer than this library.
    """
    from imgsim.insights.registry import tables_of

    return SimilarityModel(folder.read(path, verify, tables_of))


class SimilarityModel:
    """A set of reference images that is searched for similar ones; made by `create` or `load_model`.

    All distances are euclidean, between embeddings; the distance of an image to itself is exactly 0.

    Parameters
    ----------
    references : References
        The images with their embeddings, graph, backbone and results.
    """

    def __init__(self, references: References) -> None:
        self.references = references

    def __copy__(self) -> SimilarityModel:
        return SimilarityModel(copy(self.references))

    def __len__(self) -> int:
        return len(self.references)

    @property
    def images(self) -> ImageTable:
        """The reference images, row by row."""
        return self.references.images

    @property
    def rejected(self) -> pd.DataFrame:
        """Files that are not in the model: path, stage, reason."""
        return self.references.images.rejected

    @property
    def stats(self) -> dict[str, float]:
        """Images computed and reused, and time, of the feature extraction; empty for a loaded model."""
        return self.references.stats

    @property
    def ids(self) -> NDArray[Any]:
        """Ids of the images: (n,) int64 or str, unique."""
        return self.references.ids

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only; unit rows unless ``projection=None``."""
        return self.references.embeddings

    @property
    def plain_embeddings(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only: the embeddings before `create` refined them; the same unless ``refine=True``."""
        return self.references.plain_embeddings

    @property
    def plain_graph(self) -> NeighborGraph:
        """The k-NN graph over the plain embeddings, by which duplicates are found."""
        return self.references.plain_graph

    @property
    def projection(self) -> Projection | None:
        """The fitted projection, or None for raw features."""
        return self.references.projection

    @property
    def graph(self) -> NeighborGraph:
        """The k-NN graph over the reference images."""
        return self.references.graph

    @property
    def backbone(self) -> BackboneSpec:
        """The network of the features."""
        return self.references.backbone

    @property
    def evaluation(self) -> Evaluation | None:
        """The evaluation of the graph, or None; see `evaluate`."""
        return self.references.evaluation

    @property
    def insights(self) -> Mapping[str, Insight]:
        """The insights computed so far, by name; see `insight`."""
        return self.references.insights

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of everything that decides an answer."""
        return self.references.digest

    @property
    def revision(self) -> str:
        """Hexadecimal sha256 of the digest, rejected files, record of learning, insights and Core ML package."""
        return self.references.revision

    def query(
        self,
        x: Any = None,
        k: int | None = 5,
        radius: float | None = None,
        ids: str | Sequence[Any] | None = None,
        exact: bool = False,
        *,
        among: Any = None,
        label: str | Sequence[Any] | None = None,
        text: str | Mapping[str, float] | Sequence[str | Mapping[str, float]] | None = None,
    ) -> pd.DataFrame:
        """Return the nearest reference images, a stored image itself first.

        Parameters
        ----------
        x : ImageTable, path, PIL image, array, bytes, id, or a list of those
            Pictures as files, bytes or uint8 arrays (H, W), (H, W, 3), (H, W, 4); ids of reference
            images (whole numbers, or the model's own strings); or float vectors (m, d): embeddings, or
            raw features of the backbone. A refined model (``create(refine=True)``) averages pictures and raw
            features with their neighbours, and takes embeddings as they are.
        k : int or None
            At most this many per query; None for all (within ``radius``).
        radius : float or None
            Only distances <= radius. The default ``k`` still holds: ``k=None`` returns all within the radius.
        ids : str or sequence, optional
            Names of the queries, shown as ``query_label`` instead of the position 0..m-1: a column of an
            ImageTable, or one value per query.
        exact : bool
            Compare with every image, whatever their number. Otherwise search is approximate in models of more
            than 200,000 images: it finds about 99 of 100 neighbours (`imgsim.neighbors.ivf`).
        among : (n,) bool array, label, id, or a sequence of labels or ids, optional
            Only these reference images can be found; ``k`` counts them. The search is then exact.
        label : optional
            Turi Create's name of ``ids``.
        text : str, mapping of str to float, or a list of those, optional
            Words to look for (``"a red car"``), where the network has a text tower. A mapping is one query of several
            texts with weights, minus included (``{"a beach": 1, "people": -0.5}``); of a list each is a query. With
            ``x`` each picture, of weight 1, is added to the text, or to its own one of a list. Distances are then in
            the space of the texts, from 0 to 2, and larger than between pictures. Texts longer than the tower takes
            (77 tokens in CLIP, 64 in SigLIP) are cut at their end.

        Returns
        -------
        pandas.DataFrame
            ``query_label``, ``reference_label``, ``distance``, ``rank`` (from 1), by query, then rank; the columns
            have Turi Create's names and hold ids. Equal distances rank in row order.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            ``k``, ``radius``, ``ids`` or ``among`` outside their domain, an ``x`` of no known type, an empty text, or
            neither ``x`` nor ``text``.
        BackboneError
            A text, and a model without a text tower.
        QueryError
            A query that cannot be answered: an unreadable picture, an unknown id, a vector with NaN or
            of the wrong length, no query at all. No partial result is returned.
        """
        k, radius = arguments.optional_k(k), arguments.optional_radius(radius)
        references, mask = self.references, mask_of(self.references, among)
        vectors, search = resolve_mixed(references, x, text)
        names = query_ids(x, arguments.alias(ids, label, "ids", "label"), len(vectors))
        if k is None and radius is not None:
            rows, found, distances = search.within(vectors, radius, among=mask)
        else:
            nearest = search.nearest(vectors, len(self) if k is None else k, mask, exact or text is not None)
            rows, found, distances = edges_within(*nearest, radius=radius)
        return query_frame(names[rows], self.ids[found], distances, rows)

    def embed_pixels(self, picture: Any) -> NDArray[np.float32]:
        """Return the embedding of a decoded picture, (d,) float32, which can be a query.

        Parameters
        ----------
        picture : (H, W), (H, W, 3) or (H, W, 4) uint8 array, or PIL image

        Raises
        ------
        ArgumentTypeError
            An array of another type or shape.
        BackboneError
            The model holds no network.
        """
        return embed(self.references, picture)

    def classify(
        self, labels: Sequence[str], template: str = "a photo of a {}.", *, output: str = "best"
    ) -> pd.DataFrame:
        """Score labels for each reference image by the text tower; no image needs a label for it.

        Parameters
        ----------
        labels : sequence of str
            Names of classes to choose from.
        template : str
            The sentence that is compared with the pictures; the label stands for ``{}``.
        output : str
            ``"best"``: one row per image. ``"all"``: a row per image and label.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``label``, ``score``, in the order of the images and ``labels``. Scores are a softmax over the
            labels with the network's own scale, as in CLIP (Radford et al. 2021); for networks trained with a sigmoid
            (SigLIP), each is a probability by itself.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            No labels, one that is empty or repeated, or a template without ``{}``.
        BackboneError
            The model has no text tower.
        """
        return classify(self.references, labels, template, output)

    def show(self, x: Any = None, k: int = 5, **options: Any) -> Image:
        """Draw queries with their nearest reference images, a row per query; a notebook shows the picture.

        Parameters
        ----------
        x, k, options
            As in `query`. Neighbours with the query's label have a green frame and a tick, others a red frame and a
            cross; without labels there is no frame. Queries with a text have no picture.

        Returns
        -------
        PIL.Image.Image
            Drawn from the thumbnails of the model.
        """
        from imgsim.references.show import draw_answer

        return draw_answer(self.references, x, self.query(x, k, **options), options.get("text"))

    def similarity_graph(
        self,
        k: int | None = 5,
        radius: float | None = None,
        include_self_edges: bool = False,
        output: str = "edges",
        method: str | None = None,
    ) -> Any:
        """Return the neighbours of every reference image.

        Parameters
        ----------
        k, radius
            As in `query`. Up to the ``k`` of `create` edges come from the stored graph, beyond it they
            are searched for.
        include_self_edges : bool
            Each image is then its own first neighbour, one of the ``k``.
        output : str
            ``"edges"``: DataFrame src_id, dst_id, distance, rank. ``"table"``: the columns of `query`.
            ``"networkx"``: DiGraph with ``path`` and ``label`` on nodes, ``distance`` and ``rank`` on
            edges. ``"sparse"``: scipy CSR matrix (n, n) of distances in row order (stored zeros are
            edges too).
        method : str, optional
            Search again by another method than the stored graph's (`imgsim.neighbors.graph.build_graph`).

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument outside its domain.
        """
        k, radius = arguments.optional_k(k), arguments.optional_radius(radius)
        include_self_edges = arguments.boolean(include_self_edges, "include_self_edges")
        if k is None and radius is not None:
            rows, found, distances = self.references.search.within(self.embeddings, radius, np.arange(len(self)))
        else:
            others = len(self) - 1 if k is None else min(k, len(self)) - include_self_edges
            graph = self._graph_of(others, method)
            rows, found, distances = edges_within(graph.neighbors, graph.distances, radius=radius)
        return graph_output(self.references, rows, found, distances, include_self_edges, output)

    def _graph_of(self, k: int, method: str | None = None) -> NeighborGraph:
        k, stored = min(k, len(self) - 1), self.graph.method
        wanted = stored if method is None else resolve_method(method, len(self))
        if k <= self.graph.k and wanted == stored:
            return self.graph.cut(k)
        return build_graph(self.embeddings, k, wanted)

    def evaluate(self, k: int = DEFAULT_K, background: Sequence[str] = BACKGROUND) -> Evaluation:
        """Measure recall of the graph; precision, mAP and 1-NN accuracy on labels (`imgsim.evaluation.evaluate`).

        Copies of a picture are left out: they are no hits, and count once. The result is kept as ``.evaluation`` and
        saved with the model.
        """
        from imgsim.insights.evaluate import evaluate_references

        k = arguments.positive_int(k, "k")
        graph = self._graph_of(k) if len(self) > 1 else self.graph
        found = evaluate_references(self.references, k, background, graph=graph)
        self.references.evaluation = found
        return found

    def insight(self, name: str, **params: Any) -> Insight:
        """Return an insight about the images: ``"duplicates"``, ``"outliers"``, ... (`imgsim.insights.registry`).

        A stored insight is returned unless ``params`` are given. Else it is computed, kept in ``.insights`` and
        saved with the model.

        Raises
        ------
        ArgumentError
            An unknown name or parameter.
        """
        from imgsim.insights.compute import compute

        if not isinstance(name, str):
            raise ArgumentTypeError(f"an insight has a name, not {type(name).__name__}.")
        if params or name not in self.insights:
            compute(self.references, [name], params=params)
        return self.insights[name]

    def select(self, n: int, by: str = "diverse", *, seed: int = 0) -> pd.DataFrame:
        """Choose images to look at, to label or to keep (`imgsim.selection.select.select`).

        Parameters
        ----------
        n : int
            At most this many; copies of a picture are chosen once.
        by : str
            ``"diverse"``: images that all others are near to. ``"uncertain"``: images whose neighbours disagree about
            the label. ``"balanced"``: as many of each label, of each cluster where there is none.
        seed : int
            Equal seeds give equal choices.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``path``, ``label``, ``score``, ``why``, the most important first. ``attrs["coverage"]`` tells how
            near all images are to the chosen ones, and to as many chosen at random.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument outside its domain, or uncertain images where no image has a label.
        """
        from imgsim.selection.select import select

        return select(self.references, n, by, seed)

    def questions(
        self,
        n: int = 20,
        decisions: Decisions | str | Path | bool | None = None,
        *,
        kinds: Collection[str] = ("label", "pair"),
    ) -> pd.DataFrame:
        """Return what to ask a person next, the most informative first (`imgsim.selection.questions.questions`).

        Parameters
        ----------
        n : int
            At most this many questions, one per picture.
        decisions : Decisions, str, Path or bool, optional
            A store of what people decided, its address, or True for the default one. Their labels count in place of
            the images' own, and what is decided is not asked again.
        kinds : collection of str
            ``"label"``: is this label right? ``"pair"``: are these two alike?

        Returns
        -------
        pandas.DataFrame
            ``kind``, ``id``, ``other_id``, ``path``, ``other_path``, ``label``, ``other_label``, ``suggestion``,
            ``score`` (probability that the answer differs from what the labels say), ``why``.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument outside its domain.
        """
        from imgsim.selection.questions import questions

        return questions(self.references, n, decisions, kinds)

    def thumbnails(self, rows: Sequence[int]) -> list[bytes | None]:
        """Return the thumbnails of rows: JPEG bytes (longest side 160 pixels), or None where there is none."""
        return self.references.thumbnails(rows)

    def add(
        self, images: ImageTable | str | Path, store: FeatureStore | None = None, progress: bool = False
    ) -> SimilarityModel:
        """Append images, in place, and return the model.

        The projection is kept and the graph is extended. The extension is exact up to 200,000 images, and
        approximate above (`imgsim.neighbors.graph_update`). New images get the next free whole numbers as ids, or
        values of the ``ids`` column of `create`. In a refined model (``create(refine=True)``) they are averaged with
        their neighbours among the old images, as queries are, and the old images keep their embeddings.

        A small model has fewer neighbours and dimensions than `create` was asked for. It gets the neighbours as soon
        as there are enough images. Its projection is fitted again, which changes all distances, whenever it has grown
        by a quarter and can have more dimensions; this needs the features of the old images in the store. All images
        are then refined anew.
        """
        from imgsim.references.update import add_images

        add_images(self.references, images, store, progress)
        return self

    def update(
        self, images: ImageTable | str | Path, store: FeatureStore | None = None, progress: bool = False
    ) -> Changes:
        """Make the model hold the images of a source as it is now, in place.

        New images are added as `add` does, which fits a small model's projection again when it has grown by a quarter.
        Images that are gone are removed. An image stays, with its id, if there is a file with its path and content, or
        if that could not be read; its label and other columns are those of the source. Labels that people decided
        (`create`) stay, unless the source brings decided ones (`imgsim.decisions.with_decided_labels`). Figures,
        insights and the Core ML package are dropped when images or labels have changed.

        Parameters
        ----------
        images : ImageTable, or anything `load_images` takes
            All images that the model shall hold, not the new ones alone.
        store : FeatureStore, optional
            Store of features; default: in ``$IMGSIM_HOME``.
        progress : bool
            Show progress bars.

        Returns
        -------
        Changes
            ``added``, ``removed``, and ``images``: how many the model holds now.

        Raises
        ------
        ArgumentError
            A source without images, or without any of the model's: paths start from another folder.
        BackboneError
            A model without network, which cannot compute features.
        """
        from imgsim.references.update import update_images

        return update_images(self.references, images, store, progress)

    def learn(
        self,
        labels: Any = None,
        pairs: Any = None,
        *,
        others: str = "auto",
        decisions: Decisions | str | Path | bool | None = None,
        store: FeatureStore | None = None,
        progress: bool = False,
    ) -> SimilarityModel:
        """Learn the metric from labels and from pairs that people judged; return a new model, this one stays.

        The result is one linear projection as before, so queries cost the same, and saved models and Core ML packages
        have the same form. It is chosen by cross-validation over images and over classes, the metric without labels
        among the candidates: where nothing is gained, nothing changes, and `summary` says so. ``evaluation`` of the
        new model never scores a label by a fit that has seen it.

        Parameters
        ----------
        labels : str, sequence or mapping, optional
            Default: the labels of the images. A column of ``images``; ``"top-folder"``: the first folder of each
            path; or one label per image, None where unknown; or ids to labels. A list, tuple or set is an image with
            several labels. ``BACKGROUND_Google`` is no class.
        pairs : DataFrame or sequence, optional
            ``(left, right, alike)``: ids of two images, and True or False.
        others : str
            What images of classes without labels count for. ``"auto"``: as much as there seem to be of them.
            ``"protect"``: at least as much as the labelled ones. ``"ignore"``: nothing.
        decisions : Decisions, str, Path or bool, optional
            A store of decisions, or its address; True: the one of `imgsim.decisions.open_decisions`. Its labels take
            the place of others, and its pairs are added.
        store : FeatureStore, optional
            Holds the features of the images; default: in ``$IMGSIM_HOME``. Missing ones are computed where the
            files can be read.
        progress : bool
            Show progress bars.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            No label that can teach: none at all, of one class only, or all different. Ids that the model does not
            hold. Pairs that are alike and not alike at once. A model without a projection.
        StoreError
            Features that are neither stored nor can be computed again.
        """
        from imgsim.learning.learn import learn_references

        return SimilarityModel(
            learn_references(
                self.references, labels, pairs, others=others, decisions=decisions, store=store, progress=progress
            )
        )

    def remove(self, ids: Any) -> SimilarityModel:
        """Remove images by id, in place, and return the model; rows that lose neighbours are searched again."""
        from imgsim.references.update import remove_ids

        remove_ids(self.references, ids)
        return self

    def summary(self, output: str = "print") -> Any:
        """Describe the model and its quality: ``"print"`` to stdout, ``"str"``, or ``"dict"``."""
        from imgsim.references.summary import summarize

        return summarize(self.references, output)

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write a folder that `load_model` reads; see `imgsim.references.folder`."""
        folder.write(self.references, path, overwrite)

    def export_coreml(self, path: str | Path, **options: Any) -> DeviceExport:
        """Write a Core ML model that gives the distances of `query` on a phone, verified before it is saved.

        In a refined model (``create(refine=True)``) the references are refined, but the phone's queries are not
        averaged. Their distances are then others than those of `query`, and a stored picture is not at 0 from itself.

        ``options`` are those of `imgsim.coreml.export_coreml`: ``outputs``, ``k``, ``precision``,
        ``compress``, ``minimum_target``, ``verify``, ``overwrite`` and more.
        """
        from imgsim.coreml.export.export import export_coreml

        return export_coreml(self.references, path, **options)

    def export_onnx(self, path: str | Path, **options: Any) -> DeviceExport:
        """Write an ONNX file that gives the distances of `query` in ONNX Runtime, verified before it is saved.

        It runs on Android, in the browser and elsewhere. Refined models are exported as in `export_coreml`.

        ``options`` are those of `imgsim.onnx_model.export_onnx`: ``outputs``, ``k``, ``compress``, ``any_size``,
        ``ids``, ``verify``, ``overwrite`` and more.
        """
        from imgsim.onnx_model.export import export_onnx

        return export_onnx(self.references, path, **options)

    def __repr__(self) -> str:
        return (
            f"<SimilarityModel: {len(self):,} images, {self.backbone.name}, {self.embeddings.shape[1]} dimensions, "
            f"{self.graph.k} neighbours by {self.graph.method}>"
        )

    def __str__(self) -> str:
        return str(self.summary("str"))
