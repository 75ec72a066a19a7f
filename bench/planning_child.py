"""The process whose time and memory ``planning`` measures: lay 500 containers on a node in memory, then plan.

Usage: ``planning_child.py ROOT``. Prints JSON. Only what a real ``plan`` would do is timed.
"""

from __future__ import annotations
