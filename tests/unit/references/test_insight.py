import numpy as np
import pandas as pd
import pytest

import imgsim
from imgsim.insights.outliers import TABLES
from imgsim.insights.registry import INSIGHTS
from imgsim.insights.tables import about
from imgsim.references import insight as insight_file
from imgsim.references.insight import Insight, frame


@pytest.fixture
def insight(tiny_model):
    columns = {
        **about(tiny_model.images, [3, 1]),
        "distance": [2.0, 1.0],
        "lof": [1.5, 1.0],
        "score": [4.0, 0.5],
        "outlier": [True, False],
    }
    tables = {"images": frame(TABLES["images"], columns)}
    return Insight("outliers", TABLES, tables, {"outliers": 1.0}, {"threshold": 3.5})


def test_it_comes_back_with_its_digest_and_its_types(insight, tmp_path):
    insight.save(tmp_path)
    loaded = Insight.load(tmp_path, "outliers", TABLES)
    assert loaded.digest == insight.digest
    assert (loaded.metrics, loaded.params) == (insight.metrics, insight.params)
    assert list(loaded.tables) == ["images"]
    pd.testing.assert_frame_equal(loaded.tables["images"], insight.tables["images"])
    assert loaded.tables["images"].dtypes.astype(str).tolist()[3:] == ["float32", "float32", "float32", "bool"]


def test_loading_reads_no_table_until_one_is_asked_for(insight, tmp_path, monkeypatch):
    insight.save(tmp_path)
    monkeypatch.setattr(insight_file.arrow, "read_parquet", lambda *_: pytest.fail("read"))
    loaded = Insight.load(tmp_path, "outliers", TABLES)
    assert loaded.metrics["outliers"] == 1.0
    assert loaded.digest == insight.digest


def test_the_digest_covers_tables_metrics_and_parameters(insight):
    table = insight.tables["images"].assign(score=np.float32([4.0, 0.6]))
    others = [
        Insight("outliers", TABLES, {"images": table}, insight.metrics, insight.params),
        Insight("outliers", TABLES, insight.tables, {"outliers": 2.0}, insight.params),
        Insight("outliers", TABLES, insight.tables, insight.metrics, {"threshold": 3.0}),
    ]
    assert len({insight.digest, *(other.digest for other in others)}) == 4
    assert Insight("outliers", TABLES, insight.tables, insight.metrics, insight.params).digest == insight.digest


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in INSIGHTS])
def test_empty_tables_keep_their_types(name, tmp_path):
    tables = {
        key: frame(schema, {column: [] for column in schema.names}) for key, schema in INSIGHTS[name].tables.items()
    }
    Insight(name, INSIGHTS[name].tables, tables).save(tmp_path)
    for key, table in Insight.load(tmp_path, name, INSIGHTS[name].tables).tables.items():
        assert not len(table)
        pd.testing.assert_frame_equal(table, tables[key])


@pytest.mark.parametrize("damage", ["no facts", "no table", "unknown"])
def test_damage_is_named(insight, tmp_path, damage):
    insight.save(tmp_path)
    if damage == "no table":
        (tmp_path / "images.parquet").unlink()
    elif damage == "no facts":
        (tmp_path / "insight.json").write_text("{")
    else:
        (tmp_path / "insight.json").write_text('{"name": "auras", "metrics": {}, "params": {}, "digest": ""}')
    with pytest.raises(imgsim.ModelFormatError, match="Compute"):
        Insight.load(tmp_path, "outliers", TABLES)


def test_a_table_of_other_columns_is_refused(insight, tmp_path):
    insight.save(tmp_path)
    pd.DataFrame({"row": [1]}).to_parquet(tmp_path / "images.parquet")
    with pytest.raises(imgsim.ModelFormatError, match="holds columns"):
        Insight.load(tmp_path, "outliers", TABLES).tables["images"]
