"""Several calls in one: ``POST /nodes/{node}/execute``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.embedded.node import dispatch, parameters
from harness.embedded.node.errors import ApiError, failure, invalid
from harness.embedded.node.routing import Call, Result, route


@route("POST", "/nodes/{node}/execute")
def execute(call: Call) -> list[dict[str, Any]]:
    """Do each command below ``/nodes/{node}`` in order; each has an answer of its own, and none stops the others."""
    return [_one(call, command) for command in json.loads(call.need("commands"))]


def _one(call: Call, command: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"status": 200, "data": _do(call, command)}
    except ApiError as error:
        answer = {"status": error.status, "message": error.body_text}
        return {**answer, "errors": error.errors} if error.errors else answer


def _do(call: Call, command: Mapping[str, Any]) -> Any:
    method, path = str(command["method"]), f"/nodes/{call.need('node')}/{command['path']}"
    found = call.node.schema.find(method, path)
    if found is None:
        raise failure(f"no handler for '{path.removeprefix('/')}'")
    endpoint, in_path = found
    given = parameters.from_json(json.dumps(command.get("args") or {}).encode())
    double = sorted(set(given) & set(in_path))
    if double:
        raise invalid({double[0]: "duplicate parameter"})
    answer = dispatch.run(Call(call.node, call.user, method, path, {**given, **in_path}), endpoint)
    return answer.data if isinstance(answer, Result) else answer
