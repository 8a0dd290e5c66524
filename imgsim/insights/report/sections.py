"""Sections of the report: each describes one insight in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgsim.evaluation import nearest_pictures
from imgsim.insights.labels.errors import outvoted, words
from imgsim.insights.map.picture import map_picture
from imgsim.insights.registry import INSIGHTS, highlights, tiles
from imgsim.insights.report.html import data_uri, figure, table, text

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.neighbors.graph import NeighborGraph
    from imgsim.references.insight import Insight
    from imgsim.references.references import References

TIERS = {
    "same_bytes": ("Identical files", "Files that are equal byte for byte."),
    "same_picture": ("Same picture", "Encoded again, resized or turned: the files agree at full size."),
    "look_alike": ("Look-alike", "Unusually near for this collection, and not the same picture."),
}
ISSUES = {
    "blurry": "Blurred",
    "dark": "Dark",
    "bright": "Bright",
    "low_information": "Almost empty",
    "odd_aspect": "Odd shape",
    "odd_size": "Odd size",
}
GROUPS, MEMBERS, ERRORS, DOUBTS, VOTERS, TILES, FEW, LISTED = 12, 6, 20, 3, 7, 20, 10, 50
"""Largest numbers shown of each; the tables hold all."""
NOTHING = '<p class="none">Nothing found.</p>'


@dataclass(frozen=True)
class Section:
    """A section of the page: ``count`` is its number in the overview, ``body`` is HTML."""

    name: str
    title: str
    count: str
    lead: str
    body: str


def sections_of(references: References) -> list[Section]:
    """Return the sections of the page; an insight without a section of its own shows its first table."""
    makers = {
        "duplicates": duplicates,
        "label_errors": label_errors,
        "leaks": leaks,
        "outliers": outliers,
        "quality": quality,
        "clusters": clusters,
        "map": image_map,
    }
    others = [name for name in INSIGHTS if name not in makers and name != "hubness"]  # hubs are part of `graph`
    found = [
        makers.get(name, table_section)(references, references.insights[name])
        for name in (*makers, *others)
        if name in references.insights
    ]
    return [*found, *graph(references), *rejected(references)]


def table_section(references: References, insight: Insight) -> Section:
    """Show pictures and the first rows of any insight."""
    kind, found = INSIGHTS[insight.name], highlights(insight)
    pictures = [figure(row, references.images.paths[row], caption) for row, caption in tiles(insight, TILES)]
    rows = table(tuple(found.columns), found.head(LISTED).itertuples(index=False)) if len(found) else ""
    body = (_grid(pictures) if pictures else "") + rows
    return Section(kind.name, kind.title, f"{len(found):,}", kind.description, body or NOTHING)


def duplicates(references: References, insight: Insight) -> Section:
    """Show groups of each tier, the image to keep first."""
    groups = insight.tables["groups"]
    body = ""
    for tier, (title, meaning) in TIERS.items():
        found = groups[groups["tier"] == tier]
        spare = found[~found["keep"]]
        count = found["group"].nunique()
        facts = f"{_counted(count, 'group')}, {_counted(len(spare), 'image')} besides the kept ones"
        facts = f"{facts} ({_size(spare['bytes'].sum())})." if count else "None here."
        more = f" The first {GROUPS} are shown." if count > GROUPS else ""
        body += f"<h3>{title}</h3><p>{meaning} {facts}{more}</p>" + _rows(_groups(found))
    spare = groups[~groups["keep"] & (groups["tier"] != "look_alike")]
    lead = "Three tiers that are never mixed. The one to keep is marked. Look-alikes are not counted above."
    return Section("duplicates", "Duplicates", f"{len(spare):,}", lead, body)


def _groups(found: pd.DataFrame) -> Iterator[str]:
    for _, group in list(found.groupby("group", sort=True))[:GROUPS]:
        ordered = group.sort_values("keep", ascending=False, kind="stable")
        tiles = [_member(member) for member in ordered.head(MEMBERS).itertuples()]
        more = f'<div class="more">and {len(group) - MEMBERS:,} more</div>' if len(group) > MEMBERS else ""
        yield f'<div class="row">{"".join(tiles)}{more}</div>'


def _member(row: Any) -> str:
    return figure(row.row, row.path, "keep" if row.keep else "", row.reason, "good first" if row.keep else "")


def label_errors(references: References, insight: Insight) -> Section:
    """Show labels that are likely wrong, or if there is none the most doubtful ones, with the voting neighbours."""
    found = highlights(insight)
    doubtful = found if len(found) else insight.tables["images"].head(max(DOUBTS, len(outvoted(insight))))
    doubtful = doubtful.head(ERRORS)
    labels, voters = references.images.labels, _voters(references)
    shown = []
    for row in doubtful.itertuples():
        title = f"{row.label}: {_share(row.probability)} wrong"
        rather = f"rather {row.suggestion}" if row.suggestion else ""
        tiles = [figure(row.row, row.path, title, rather, "bad first")]
        for voter in voters.neighbors[row.row, :VOTERS].tolist():
            agrees = labels[voter] == row.suggestion
            tiles.append(figure(voter, references.images.paths[voter], labels[voter] or "none", "", "good" * agrees))
        shown.append(f'<div class="row">{"".join(tiles)}</div>')
    lead = (
        f"Labels that the neighbours contradict; each probability was calibrated on errors planted in this collection. "
        f"{words(insight)} "
    )
    if len(found):
        lead += f"The surest {len(doubtful)} are shown with the neighbours that voted."
    elif len(doubtful):
        lead += f"None is more likely wrong than right; these {len(doubtful)} are the most doubtful."
    return Section("label_errors", "Likely label errors", f"{len(found):,}", lead, _rows(shown) or NOTHING)


def _voters(references: References) -> NeighborGraph:
    """Return the neighbours that voted on labels: copies of a picture count once."""
    pictures = None if references.evaluation is None else references.evaluation.pictures
    return nearest_pictures(references.embeddings, references.graph, pictures, references.graph.k)


def leaks(references: References, insight: Insight) -> Section:
    """Show the number of pictures that are in two splits, and some of them."""
    counts, pairs = insight.tables["counts"], insight.tables["pairs"]
    if not len(pairs):
        lead = "Pictures that are in two splits, such as train and test, make a test look better than it is."
        why = insight.params.get("note", "")
        body = f"<p>{text(why[0].upper() + why[1:])}</p>" if why else NOTHING
        return Section("leaks", "Leaks between splits", "0", lead, body)
    rows = [(r.split, r.other_split, _tier(r.tier), f"{r.images:,}", f"{r.share:.1%}") for r in counts.itertuples()]
    body = table(("split", "also in", "tier", "images", "share"), rows, numbers=("images", "share"))
    shown = []
    for pair in pairs.head(GROUPS).itertuples():
        sides = ((pair.row, pair.path, pair.split), (pair.other, pair.other_path, pair.other_split))
        tiles = [figure(row, path, split, _tier(pair.tier)) for row, path, split in sides]
        shown.append(f'<div class="row">{"".join(tiles)}</div>')
    lead = f"Pictures that are in two splits make a test look better than it is; the first {GROUPS} pairs are shown."
    return Section("leaks", "Leaks between splits", f"{len(pairs):,}", lead, body + _rows(shown))


def outliers(references: References, insight: Insight) -> Section:
    """Show images far from all others."""
    found = highlights(insight)
    shown = found if len(found) else insight.tables["images"].head(FEW)
    tiles = [figure(r.row, r.path, r.label or "", f"{r.score:.1f} deviations") for r in _first(shown, TILES)]
    lead = "Images whose nearest neighbours are unusually far away, the furthest first."
    lead += "" if len(found) else f" Here none stands out from the rest; these {len(shown)} are the furthest."
    return Section("outliers", "Outliers", f"{len(found):,}", lead, _grid(tiles))


def quality(references: References, insight: Insight) -> Section:
    """Show pictures that are blurred, dark, bright, empty or oddly shaped."""
    issues = insight.tables["issues"]
    body = ""
    for issue, group in issues.groupby("issue", sort=False):
        tiles = [figure(r.row, r.path, _value(r.value), f"limit {_value(r.threshold)}") for r in _first(group, FEW)]
        body += f"<h3>{text(ISSUES.get(str(issue), issue))}: {len(group):,}</h3>{_grid(tiles)}"
    lead = "Measured on thumbnails; shown are the most extreme, each with its value and the limit of this collection."
    return Section("quality", "Image quality", f"{issues['row'].nunique():,}", lead, body or NOTHING)


def clusters(references: References, insight: Insight) -> Section:
    """Show the representatives of the biggest clusters."""
    found = insight.tables["clusters"]
    tiles = []
    for r in _first(found, TILES):
        purity = "" if r.common_label is None else f"{r.purity:.0%} {r.common_label}"
        tiles.append(figure(r.row, r.path, f"{r.size:,} images", purity))
    lead = "Groups of similar images, found in the graph without labels; the biggest are shown by a representative."
    return Section("clusters", "Clusters", f"{len(found):,}", lead, _grid(tiles))


def image_map(references: References, insight: Insight) -> Section:
    """Show the map as a picture."""
    picture = f'<div class="map"><img alt="map of all images" src="{data_uri(map_picture(references), "png")}"></div>'
    lead = "Every dot is an image, neighbours lie together, colors are clusters. Distances across the map mean little."
    return Section("map", "Map", f"{len(insight.tables['map']):,}", lead, picture)


def graph(references: References) -> Iterator[Section]:
    """Show the quality of the neighbour graph, on which all other sections depend."""
    if references.evaluation is None:
        return
    metrics, k = references.evaluation.metrics, references.evaluation.k
    names = {
        f"recall_at_{k}": f"recall@{k}: true nearest neighbours that the graph lists",
        f"precision_at_{k}": f"precision@{k}: neighbours with the image's own label",
        f"map_at_{k}": f"mAP@{k}: the same, early ranks counting more",
        "nn1_accuracy": "images whose nearest neighbour has their label",
    }
    rows = [(title, *_interval(metrics, name)) for name, title in names.items() if name in metrics]
    body = table(("measure", "value", "95 % from", "to"), rows, numbers=("value", "95 % from", "to"))
    if "hubness" in references.insights:
        hubness = references.insights["hubness"]
        hubs = hubness.tables["hubs"]
        body += (
            f"<h3>Hubs</h3><p>{len(hubs):,} images are neighbours of unusually many others; "
            f"{len(hubness.tables['antihubs']):,} are neighbours of none, so no search by their likes finds them.</p>"
        ) + _grid([figure(r.row, r.path, f"{r.in_degree:,} lists") for r in _first(hubs, FEW)])
    count = rows[0][1] if rows else "none"
    lead = "Everything on this page rests on the neighbours, so here is how good they are, measured on this collection."
    copies = int(metrics.get("copies_left_out", 0))
    if copies:
        lead += f" {_counted(copies, 'image')} that show the picture of another one are left out."
    yield Section("graph", "Trust in the graph", count, lead, body)


def rejected(references: References) -> Iterator[Section]:
    """List the files that are not in the model."""
    files = references.images.rejected
    lead = "Files that could not be used." + (f" The first {LISTED} are listed." if len(files) > LISTED else "")
    body = table(tuple(files.columns), files.head(LISTED).itertuples(index=False)) if len(files) else NOTHING
    yield Section("rejected", "Rejected files", f"{len(files):,}", lead, body)


def _rows(rows: Iterable[str]) -> str:
    """Join rows of pictures, several side by side where there is room."""
    joined = "".join(rows)
    return f'<div class="rows">{joined}</div>' if joined else ""


def _first(frame: pd.DataFrame, most: int) -> Iterator[Any]:
    return iter(frame.head(most).itertuples())


def _grid(tiles: list[str]) -> str:
    return f'<div class="tiles">{"".join(tiles)}</div>' if tiles else NOTHING


def _tier(tier: str) -> str:
    return TIERS[tier][0].lower()


def _interval(metrics: dict[str, float], name: str) -> tuple[str, str, str]:
    ends = (metrics.get(f"{name}_low"), metrics.get(f"{name}_high"))
    low, high = ("" if value is None else f"{value:.3f}" for value in ends)
    return f"{metrics[name]:.3f}", low, high


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _share(probability: float) -> str:
    """Format a probability in per cent; an estimate never reads 100 %."""
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"


def _value(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _size(count: float) -> str:
    """Format a number of bytes as kB or MB."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"
