"""Old images go by their tags, or by their ids where they have none."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

from docker import errors as docker_errors
from docker.client import DockerClient

from harness.embedded.engine import layers


class Engine:
    """Images and what was removed; ``used`` stands under a container."""

    def __init__(self, images: list[dict[str, Any]], used: str = "") -> None:
        self.found, self.used = images, used
        self.removed: list[str] = []

    def images(self, filters: object) -> list[dict[str, Any]]:
        return self.found

    def remove_image(self, ref: str) -> None:
        if ref == self.used:
            raise docker_errors.APIError(
                "in use", response=cast("Any", SimpleNamespace(status_code=409, reason="x", url=""))
            )
        self.removed.append(ref)


def removed(engine: Engine, keep: frozenset[str] = frozenset()) -> tuple[int, set[str]]:
    count = layers.remove(cast("DockerClient", SimpleNamespace(api=engine)), {"a": ""}, keep=keep)
    return count, set(engine.removed)


def test_an_image_without_a_tag_goes_by_its_id() -> None:
    images = [{"Id": "sha256:1", "RepoTags": ["<none>:<none>"]}, {"Id": "sha256:2", "RepoTags": None}]
    assert removed(Engine(images)) == (2, {"sha256:1", "sha256:2"})


def test_what_is_kept_or_in_use_stays() -> None:
    images = [{"Id": f"sha256:{name}", "RepoTags": [f"x:{name}"]} for name in ("old", "used", "new")]
    assert removed(Engine(images, used="x:used"), frozenset({"x:new"})) == (1, {"x:old"})


def test_a_young_image_stays_where_another_checkout_may_want_it() -> None:
    now = time.time()
    images = [{"Id": "1", "RepoTags": ["x:young"], "Created": now}, {"Id": "2", "RepoTags": ["x:old"], "Created": 1}]
    engine = Engine(images)
    client = cast("DockerClient", SimpleNamespace(api=engine))
    assert layers.remove(client, {"a": ""}, older_than=3600.0) == 1
    assert engine.removed == ["x:old"]
