"""What every git process of the forge runs with: nobody's configuration but ours."""

from __future__ import annotations

import os
from pathlib import Path

_CONFIG = {
    "safe.directory": "*",
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowReachableSHA1InWant": "true",  # submodules at a commit that no branch holds any more
    "receive.hideRefs": "refs/pull",
    "receive.fsckObjects": "true",
    "receive.advertisePushOptions": "true",  # taken, as Gitea takes them, and not acted on
    "transfer.advertiseSID": "false",
    "core.fsync": "committed,reference",
    "core.logAllRefUpdates": "true",
    "gc.pruneExpire": "30.days",
    "pack.threads": "1",  # many clones at once share two cores
    "pack.windowMemory": "64m",
    "diff.renames": "true",
    "merge.directoryRenames": "false",
}


def environment(home: Path, *, hooks: Path | None = None) -> dict[str, str]:
    """The variables of a git process, complete: nothing is inherited but the path."""
    config = {**_CONFIG, "core.hooksPath": str(hooks) if hooks else os.devnull}
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    for number, (key, value) in enumerate(config.items()):
        found[f"GIT_CONFIG_KEY_{number}"], found[f"GIT_CONFIG_VALUE_{number}"] = key, value
    return found
