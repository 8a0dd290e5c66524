"""Facts that Dagster is given to show: text stays text."""

import dagster as dg
import pandas as pd

from orchestration import metadata

MARKUP = "<script>alert(1)</script>"


def test_names_and_labels_are_cells_of_a_table_never_markdown() -> None:
    shown = metadata.table(pd.DataFrame({"path": [MARKUP, "[a](javascript:b)"], MARKUP: [1, 2]}))
    assert isinstance(shown, dg.TableMetadataValue)
    assert [record.data["path"] for record in shown.records] == [MARKUP, "[a](javascript:b)"]
    assert [column.name for column in shown.schema.columns] == ["path", MARKUP]


def test_markdown_holds_the_bytes_of_a_picture_and_nothing_else(tmp_path) -> None:
    path = tmp_path / f"{MARKUP.replace('/', '-')}.png"
    path.write_bytes(MARKUP.encode())
    value = metadata.picture(path).value
    assert value.startswith("![picture](data:image/png;base64,")
    assert "<" not in value
