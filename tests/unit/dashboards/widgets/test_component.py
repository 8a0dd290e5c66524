"""Scripts of components: modules joined into one scope."""

import re
from collections import Counter
from pathlib import Path

import pytest

import dashboards
from dashboards.widgets.component import bundle, modules, style_sheet

SCRIPTS = sorted(Path(dashboards.__file__).parent.rglob("*.js"))
VIEWS = [path for path in SCRIPTS if "export default" in path.read_text("utf-8")]
DECLARED = re.compile(r"^(?:class|function|async function|const|let) (\w+|\[[\w, ]+\]|\{[\w, ]+\})", re.MULTILINE)


def test_each_module_once_and_after_what_it_imports(tmp_path: Path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "base.js").write_text('// Told.\nexport const HERE = "http://here";\n')
    (tmp_path / "parts" / "one.js").write_text(
        'import { HERE } from "../base.js";\n\n/** A. */\nexport function one() {\n  return HERE; // said\n}\n'
    )
    (tmp_path / "view.js").write_text(
        'import {\n  HERE,\n} from "./base.js";\nimport { one } from "./parts/one.js";\n'
        "/**\n * B.\n */\nclass View {}\n/** @type {View} */ (one)?.x;\nexport default View;\n"
    )
    assert modules(tmp_path / "view.js") == [tmp_path / "base.js", tmp_path / "parts" / "one.js", tmp_path / "view.js"]
    assert [line for line in bundle(tmp_path / "view.js").splitlines() if line] == [
        'const HERE = "http://here";',
        "function one() {",
        "  return HERE; // said",
        "}",
        "class View {}",
        "/** @type {View} */ (one)?.x;",
        "export default View;",
    ]


def test_the_style_of_what_it_imports_comes_before_its_own(tmp_path: Path):
    (tmp_path / "base.js").write_text("export const HERE = 1;\n")
    (tmp_path / "keys.js").write_text('import { HERE } from "./base.js";\n')
    (tmp_path / "view.js").write_text('import { HERE } from "./keys.js";\n')
    (tmp_path / "keys.css").write_text("dt {}")
    (tmp_path / "view.css").write_text("dd {}")
    assert style_sheet(tmp_path / "view.js") == "dt {}\ndd {}"


def test_every_script_belongs_to_a_view():
    assert len(VIEWS) == 13
    assert sorted({path for view in VIEWS for path in modules(view)}) == SCRIPTS


@pytest.mark.parametrize("view", VIEWS, ids=lambda path: path.stem)
def test_modules_of_a_view_fit_into_one_scope(view: Path):
    text = bundle(view)
    names = Counter(name for found in DECLARED.findall(text) for name in re.findall(r"\w+", found))
    assert [name for name, count in names.items() if count > 1] == []
    assert re.findall(r"^(?:import|export).*", text, re.MULTILINE) == re.findall(r"export default .*", text)
    assert text.rstrip().splitlines()[-1].startswith("export default component(")
    renamed = [path for path in modules(view) if re.search(r"^import [^;]* as ", path.read_text("utf-8"), re.MULTILINE)]
    assert renamed == []
