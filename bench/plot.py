"""The figures as a picture: what was measured beside what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure as Picture

from bench.measure import Figure


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Bars of each figure with a limit, as a share of that limit; the line at 1 is the limit itself."""
    judged = [figure for figure in figures if figure.limit]
    shares = [figure.limit / figure.value if figure.at_least else figure.value / figure.limit for figure in judged]
    picture = Picture(figsize=(9, 0.5 * len(judged) + 1.2), layout="tight")
    axes = picture.subplots()
    colours = ["#2a9d8f" if figure.reached else "#e76f51" for figure in judged]
    places = range(len(judged))
    axes.barh(places, shares, color=colours)
    axes.axvline(1.0, color="#555", linestyle="--")
    axes.set_yticks(places, [f"{figure.name}\n{figure.value:.3g} {figure.unit}, {figure.verdict}" for figure in judged])
    axes.tick_params(axis="y", labelsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("share of the limit used (shorter is better)")
    picture.savefig(path, metadata={"Date": None})
