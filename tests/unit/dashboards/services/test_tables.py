import csv
import io

import pandas as pd
import pytest

from dashboards.services import tables


@pytest.mark.parametrize(
    "name",
    [
        "a,b.jpg",
        'say "hi".jpg',
        "two\nlines.jpg",
        "old\rmac.jpg",
        "win\r\ndows.jpg",
        "\r",
        "snow ☃.jpg",
        "lone \udcff.jpg",
    ],
)
def test_names_read_back_the_same(name: str):
    data = tables.csv(pd.DataFrame({"path": pd.Series([name, "next"], dtype=object), "bytes": [1, 2]}))
    told = name.encode("utf-8", "backslashreplace").decode()
    with io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["path", "bytes"], [told, "1"], ["next", "2"]]
    read = pd.read_csv(io.BytesIO(data), keep_default_na=False)
    assert read.to_dict("list") == {"path": [told, "next"], "bytes": [1, 2]}
