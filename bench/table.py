"""``python -m bench.table``: the kept figures as the table of ``bench/README.md``, written between its two marks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.measure import Figure

PAPER = Path(__file__).parent / "README.md"
RESULTS = Path(__file__).parent / "results"
BEGIN, END = "<!-- kept figures -->", "<!-- end -->"
_HEAD = "| Kept in | Figure | Value | |\n| --- | --- | --- | --- |\n"


def write() -> None:
    """Bring the paper's table to what ``bench/results`` holds."""
    PAPER.write_text(renewed(PAPER.read_text(), RESULTS))


def renewed(paper: str, results: Path) -> str:
    """``paper`` with the table of ``results`` between its marks."""
    before, _, rest = paper.partition(BEGIN)
    return f"{before}{BEGIN}\n{render(results)}{END}{rest.partition(END)[2]}"


def render(results: Path) -> str:
    """One line for each figure with a limit; of one that several files hold, the newest."""
    newest: dict[str, tuple[str, str]] = {}
    for taken, line, name in sorted(_lines(sorted(results.glob("*.json")))):
        newest[name] = (taken, line)
    return _HEAD + "".join(sorted(line for _, line in newest.values()))


def _lines(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """When it was taken, its line, its name."""
    for file in files:
        document = json.loads(file.read_text())
        for row in document["figures"]:
            figure = Figure(**{key: value for key, value in row.items() if key != "reached"})
            if figure.limit is not None:
                yield document["taken"], _line(file.stem, figure), figure.name


def _line(kept: str, figure: Figure) -> str:
    cells = (f"[{kept}](results/{kept}.svg)", figure.name, f"{shown(figure.value)} {figure.unit}".rstrip())
    return f"| {' | '.join((*cells, figure.verdict)).rstrip()} |\n"


def shown(value: float) -> str:
    """Three digits are as many as a measurement is worth."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    write()
