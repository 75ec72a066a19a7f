"""The recorded names and those of another host: containers, node, storages, template, users, tokens, pools, roles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from tests.contract.pve.hosts import Host

RECORDED = Host("", "")
_PASSWORD = "Passw0rd!"
OURS = (*range(100, 198), 200, 201)  # the numbers of the recorded containers
# Where a number is a container's: before it and behind it.
_BEFORE = (
    r"(?:/(?:lxc|vms|images)/|\b(?:CT|VM) |(?:vm|subvol|base)-|vzdump-lxc-|\bct:|lxc/|config-|-n |CT"
    r"|(?:vz\w+|resize|imgdel|imgcopy)(?::|%3A)|\"(?:id|vmid|newid|target-vmid)\": ?\"?|\b(?:vmid|newid)="
    r"|(?<=[a-z])(?::|%3A)(?=\d+(?:/|%2F)))"
)
_BEHIND = r"(?=(?!\d)(?!\.\d))"
_VMID = re.compile(f"({_BEFORE}){{}}{_BEHIND}".replace("{}", r"(\d{3,9})"))
_OURS = {"alice@pve": "contract_alice@pve", "mypool": "contract_mypool"}
_OURS |= {f"root@pam!{name}": f"root@pam!contract_{name}" for name in ("full", "noacl", "ci", "tmp", "zzz")}
_OURS |= {f"root@pam/token/{name}": f"root@pam/token/contract_{name}" for name in ("full", "noacl", "ci", "tmp")}
_OURS |= {quote(recorded): quote(here) for recorded, here in _OURS.items()}
_OURS |= {name: f"Contract{name}" for name in ("OptOnly", "AllocOnly", "CfgNoNet")}


@dataclass(frozen=True)
class Names:
    """Turns recorded texts into those for a host, and the host's answers back."""

    host: Host

    def out(self, text: str) -> str:
        """A path or a value as this host knows it."""
        text = text.replace(f"={_PASSWORD}", f"={quote(self._password)}").replace(_PASSWORD, self._password)
        for recorded, here in self._pairs:
            text = recorded(text, here)
        return text

    def value(self, name: str, text: Any) -> Any:
        """A parameter's value; one that is a container's number is told by the parameter's name."""
        if not isinstance(text, str):
            return text
        if name in ("vmid", "newid", "target-vmid", "exclude") and re.fullmatch(r"[\d,]+", text):
            return ",".join(self._number(part) for part in text.split(","))
        if name in ("storage", "target-storage") and text in (RECORDED.storage, RECORDED.snapshots):
            return self._storages[text]
        if name in ("node", "target") and text == RECORDED.node:
            return self.host.node
        return self.out(text)

    def completed(self, method: str, path: str, pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The parameters of a creation with the storage that it would take where a node has one named ``local``."""
        keys = {key for key, _ in pairs}
        if method != "POST" or not re.search(r"/nodes/[^/]+/lxc$", path) or {"storage", "restore"} & keys or not keys:
            return pairs
        return [*pairs, ("storage", self.host.storage)]

    def back(self, text: str) -> str:
        """An answer of this host in recorded words."""
        return self.turned.out(text)

    @cached_property
    def turned(self) -> Names:
        """The same the other way round."""
        return _Turned(self.host)

    def _number(self, text: str) -> str:
        """Recorded numbers and the host's change places, so that what others have there is none of ours either way."""
        return str(self._numbers.get(int(text), text))

    @cached_property
    def _numbers(self) -> dict[int, int]:
        there = dict(zip(OURS, self.host.vmids, strict=False))
        return {**there, **{here: recorded for recorded, here in there.items()}}

    @property
    def _password(self) -> str:
        return self.host.password

    @property
    def _storages(self) -> dict[str, str]:
        return {RECORDED.storage: self.host.storage, RECORDED.snapshots: self.host.snapshots}

    @property
    def _words(self) -> dict[str, str]:
        return _OURS

    @property
    def _node(self) -> tuple[str, str]:
        return RECORDED.node, self.host.node

    @property
    def _template(self) -> tuple[str, str]:
        return RECORDED.template.rpartition("/")[2], self.host.template.rpartition("/")[2]

    @cached_property
    def _pairs(self) -> list[tuple[Callable[[str, Any], str], Any]]:
        return [
            (lambda text, pair: text.replace(*pair), self._template),
            (_replace_words, self._words),
            (_replace_node, self._node),
            (_replace_storages, self._storages),
            (lambda text, number: _VMID.sub(lambda found: found[1] + number(found[2]), text), self._number),
        ]


class _Turned(Names):
    """From a host's names to the recorded ones."""

    @property
    def _password(self) -> str:
        return _PASSWORD

    @property
    def _storages(self) -> dict[str, str]:
        return {here: recorded for recorded, here in super()._storages.items()}

    @property
    def _words(self) -> dict[str, str]:
        return {here: recorded for recorded, here in _OURS.items()}

    @property
    def _node(self) -> tuple[str, str]:
        return self.host.node, RECORDED.node

    @property
    def _template(self) -> tuple[str, str]:
        recorded, here = super()._template
        return here, recorded


def _replace_words(text: str, words: dict[str, str]) -> str:
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rf"(?:(?<![\w.])|(?<=%[0-9A-F]{{2}}))(?:{pattern})(?!\w)", lambda found: words[found[0]], text)


def _replace_node(text: str, pair: tuple[str, str]) -> str:
    old, new = re.escape(pair[0]), pair[1]
    before = r"(?:nodes/|node/|storage/|network/|UPID(?::|%3A)|\bnode '|\"(?:node|name)\": ?\")"
    return re.sub(rf"({before}){old}(?![\w.-])", lambda found: found[1] + new, text)


def _replace_storages(text: str, storages: dict[str, str]) -> str:
    names = "|".join(re.escape(name) for name in sorted(storages, key=len, reverse=True))
    before = r"^|(?<=[/=,'\"@ ;])|(?<=%2C)|(?<=%3D)|(?<=%40)|(?<=%2F)"
    return re.sub(
        rf"(?:{before})(?:{names})(?=(?::|%3A)[^\s]|['\"/,@&]|$)",
        lambda found: storages[found[0]],
        text,
        flags=re.ASCII,
    )


def answered(names: Names, content: bytes) -> bytes:
    """The bytes of an answer with recorded names; numbers of containers that stand alone in JSON included."""
    text = names.back(content.decode("utf-8", errors="surrogateescape"))
    try:
        loaded = json.loads(text)
    except ValueError:
        return text.encode("utf-8", errors="surrogateescape")
    return json.dumps(loaded).encode()
