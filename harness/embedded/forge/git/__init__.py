"""Bare repositories through the git binary: objects, refs, history, diffs and merges without a work tree.

Knows nothing of accounts or requests. Names that come from outside are checked here before git sees them.
"""
