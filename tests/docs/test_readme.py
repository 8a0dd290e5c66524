"""README: its session runs as printed, and its figures are those of the benchmarks."""

import doctest
import re
from pathlib import Path

import pytest

from docs import generated_pages

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_session_gives_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = doctest.DocTestParser().get_doctest("".join(python_blocks()), {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner(Near(), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    output: list[str] = []
    runner.run(session, out=output.append)
    assert runner.tries >= 8
    assert not runner.failures, "".join(output)


class Near(doctest.OutputChecker):
    """Compares numbers to three decimals: the last digits depend on the processor."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        want, got = (re.sub(r"(\d\.\d{3})\d+", r"\1", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_figures_are_those_of_the_benchmarks():
    headline = generated_pages.benchmarks()["headline"]
    assert generated_pages.table(headline["columns"], headline["rows"]) in README


def test_it_is_short():
    assert len(README.split()) < 1000
    assert len(README.splitlines()) <= 130


def test_what_it_links_to_exists():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
