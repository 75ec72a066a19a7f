"""A run as one HTML page, from its journal and its plan alone."""

from __future__ import annotations

from pathlib import Path


def build(run_dir: Path) -> Path:
    path = run_dir / "report.html"
    path.write_text("<!doctype html>")
    return path
