"""Arrow schemas: names and types of the columns of all stored tables."""

import pyarrow as pa

IMAGES = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("path", pa.string(), nullable=False),  # relative to the collection's root, "/" separated
        pa.field("label", pa.string()),
        pa.field("sha256", pa.string(), nullable=False),  # of the file's bytes, hexadecimal
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),  # as stored, before EXIF orientation
        pa.field("height", pa.int32(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("orientation", pa.int8(), nullable=False),  # EXIF 1..8, 1 = upright
        pa.field("mtime", pa.timestamp("us", tz="UTC")),
        pa.field("split", pa.string()),  # train, val, test, ... where the source has such a column
    ]
)

SOURCE_LABEL = pa.field("source_label", pa.string())
"""Column after those of `IMAGES` where people decided labels: the label that the source gave."""
DECISIONS_KEY = b"imgsim.decisions"
"""Key of the metadata of such a table: digest of the labels that were decided about its images."""

REJECTED = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),  # list, read, header, decode, network
        pa.field("reason", pa.string(), nullable=False),
    ]
)

THUMBNAILS = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("thumbnail", pa.binary(), nullable=False),  # JPEG, longest side 160 pixels
    ]
)

QUERY_COLUMNS = ("query_label", "reference_label", "distance", "rank")
EDGE_COLUMNS = ("src_id", "dst_id", "distance", "rank")


def images(table: pa.Table) -> pa.Table:
    """Select and cast the columns of `IMAGES`; a table without ``split`` (an earlier version's) gets an empty one.

    `SOURCE_LABEL` and the metadata `DECISIONS_KEY` stay where there are both.

    Raises
    ------
    KeyError, ValueError, pyarrow.ArrowException
        Other columns or types.
    """
    if "split" not in table.column_names:
        table = table.append_column("split", pa.nulls(len(table), pa.string()))
    note = decisions_note(table)
    wanted = pa.schema([*IMAGES, SOURCE_LABEL], note) if note else IMAGES
    return table.select(wanted.names).cast(wanted)


def decisions_note(table: pa.Table) -> dict[bytes, bytes]:
    """Return the metadata that says by which decisions labels were replaced; empty if none were."""
    digest = (table.schema.metadata or {}).get(DECISIONS_KEY)
    return {DECISIONS_KEY: digest} if digest and SOURCE_LABEL.name in table.column_names else {}


def embeddings(dim: int) -> pa.Schema:
    """Return the schema of embeddings of ``dim`` values each, in row order."""
    return pa.schema([pa.field("embedding", pa.list_(pa.float32(), dim), nullable=False)])


def neighbors(k: int) -> pa.Schema:
    """Return the schema of a k-NN graph: row positions and euclidean distances of ``k`` neighbours, nearest first."""
    return pa.schema(
        [
            pa.field("neighbors", pa.list_(pa.int32(), k), nullable=False),
            pa.field("distances", pa.list_(pa.float32(), k), nullable=False),
        ]
    )
