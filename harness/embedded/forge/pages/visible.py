"""Characters that a person does not see and that make text read as something else, shown as what they are.

Marks that turn the direction of writing can let a line of source read as another than the one that runs (Unicode
Technical Report 36, 3.3; CVE-2021-42574). Who accepts a change must see them.
"""

from __future__ import annotations

import re

_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def text(value: str) -> str:
    """``value`` with ``[U+202E]`` in the place of each."""
    return _TURNING.sub(lambda found: f"[U+{ord(found.group()):04X}]", value)
