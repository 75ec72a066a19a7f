"""``python -m tests.contract.pve.conformance``: the contract suite, and the share of exact answers by group."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contract.pve.test_recorded_chains import not_exact

HERE = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Run the suite and print the table; returns pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        os.environ["CONFORMANCE_REPORT"] = folder
        code = int(pytest.main(["-q", "-p", "no:cacheprovider", str(HERE), *arguments]))
        items = [item for file in sorted(Path(folder).glob("*.json")) for item in json.loads(file.read_text())]
    if items:
        sys.stdout.write("\n".join(table(items)) + "\n")
    return code


def table(items: Sequence[dict[str, str]]) -> list[str]:
    """One line a group, the sum, and each answer that is not exact with its reason."""
    total = Counter(item["group"] for item in items)
    exact: Counter[str] = Counter()
    exact.update(item["group"] for item in items if not item["difference"])
    lines = [f"{'group':<18}{'answers':>9}{'exact':>8}"]
    lines += [f"{group:<18}{count:>9}{exact[group]:>8}" for group, count in sorted(total.items())]
    share = 100 * exact.total() / len(items)
    lines.append(f"{'total':<18}{len(items):>9}{exact.total():>8}   {share:.1f} % exact")
    known = not_exact()
    for item in items:
        if item["difference"]:
            lines.append(f"not exact: {item['id']}: {known.get(item['id'], item['difference'])}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
