"""Plays a file of recorded requests against a node, in the order in which they were made, and compares the answers.

A file is one chain: later requests build on what earlier ones did. Its lines are

* ``{"step": verb, "path": …, "params": …}``: a request that brings the node into the recorded state;
* ``{"unlock": vmid}``, ``{"upload": name, "content": hex}``: the same by other ways;
* ``{"id": …, "as": caller, "request": …, "response": …, "task": …}``: a recorded request with its answer.

Whatever a node makes up itself (task identifiers, digests, tickets, secrets, backup times) is mapped from the recorded
value to this node's as soon as it is seen.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from harness.kit.clock import Deadline, wait_until
from tests.contract.pve import comparing
from tests.contract.pve.names import OURS, Names, answered

NODE = "/api2/json/nodes/pve"
_TASK_SECONDS = 30.0
_UPID = re.compile(r"([0-9A-F]{8})(:|%3A)([0-9A-F]{8,9})\2([0-9A-F]{8})\2(\w+)\2(\w*)")
_DUMP = re.compile(r"(vzdump-lxc-(\d+)-)(\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d)")
_NEVER = "00001234"  # the process number of the identifiers that never existed
_WEB = "127.0.0.1:28080"


@dataclass
class Answer:
    """What came back; ``body`` is JSON, or ``{"__raw__": text}``, or None."""

    status: int
    reason: str
    body: Any

    @property
    def data(self) -> Any:
        return self.body.get("data") if isinstance(self.body, dict) else None


@dataclass
class Player:
    """One chain against one node; ``unlock`` takes a lock off, ``web`` serves what downloads ask for.

    ``names`` are those of a node that is not as the recording's: requests are sent with them, and answers are read as
    if they had the recorded ones. ``patience`` is the time between two looks at a task, in seconds.
    """

    url: str
    password: str
    context: ssl.SSLContext
    unlock: Any
    web: str
    names: Names | None = None
    patience: float = 0.01
    secrets: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, tuple[str, str]] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    newest: dict[tuple[str, str], str] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)

    def play(self, lines: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """Identifier and difference (empty: exact) of each recorded request."""
        for line in lines:
            if "step" in line:
                self._step(line)
            elif "unlock" in line:
                self.unlock(line["unlock"])
            elif "upload" in line:
                self._upload(line["upload"], bytes.fromhex(line["content"]))
            elif line["response"] is None:
                self._unrecorded(line)
            else:
                yield line["id"], self._recorded(line)

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request, and its answer in recorded names."""
        return self._read(*self._sent(method, path, body, headers))

    def _sent(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None) -> tuple[int, str, bytes]:
        place = urlsplit(self.url)
        link = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=60, context=self.context)
        try:
            link.request(method, self._out(path), body, dict(headers or {}))
            got = link.getresponse()
            return got.status, got.reason, got.read()
        finally:
            link.close()

    def _out(self, text: str) -> str:
        return self.names.out(text) if self.names else text

    def _values(self, method: str, path: str, pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        if self.names is None:
            return pairs
        return self.names.completed(method, path, [(key, self.names.value(key, value)) for key, value in pairs])

    def _read(self, status: int, reason: str, content: bytes) -> Answer:
        if self.names is None:
            return _answer(status, reason, content)
        return _answer(status, self.names.back(reason), answered(self.names, content))

    def login(self, user: str, password: str) -> tuple[str, str]:
        """Ticket and CSRF token of a user, asked for once."""
        if user not in self.tickets:
            form = urlencode({"username": self._out(user), "password": password})
            data = _answer(*self._sent("POST", "/api2/json/access/ticket", form, _FORM)).data
            self.tickets[user] = (data["ticket"], data["CSRFPreventionToken"])
        return self.tickets[user]

    def _root(self, method: str) -> dict[str, str]:
        ticket, token = self.login("root@pam", self.password)
        return _headers(method, ticket, token)

    def call(self, method: str, path: str, /, **params: str) -> Answer:
        """A request of root@pam that waits for its task."""
        encoded = urlencode(self._values(method, path, list(params.items())))
        whole = f"/api2/json{path}"
        if method in ("GET", "DELETE"):
            answer = self.send(method, f"{whole}?{encoded}" if encoded else whole, None, self._root(method))
        else:
            answer = self.send(method, whole, encoded, {**self._root(method), **_FORM})
        if str(answer.data).startswith("UPID:"):
            self._note(answer.data)
            self._wait(answer.data)
        return answer

    def clean(self) -> None:
        """Remove what an earlier chain left: containers, volumes, jobs, users, tokens."""
        if self.names is None:
            self.call("DELETE", "/cluster/backup/job1")
        for guest in self.call("GET", "/nodes/pve/lxc").data:
            if not self._is_ours(guest):
                continue
            path = f"/nodes/pve/lxc/{guest['vmid']}"
            self.call("DELETE", f"/cluster/ha/resources/ct:{guest['vmid']}")
            self.unlock(int(guest["vmid"]))
            self.call("PUT", f"{path}/config", protection="0")
            self.call("DELETE", path, purge="1", force="1")
        for storage in ("local", "local-btrfs"):
            place = f"/nodes/pve/storage/{storage}/content"
            for volume in self.call("GET", place).data:
                if self._is_ours(volume) and not volume["volid"].startswith("local:vztmpl/debian"):
                    self.call("PUT", f"{place}/{quote(volume['volid'])}", protected="0")
                    self.call("DELETE", f"{place}/{quote(volume['volid'])}")
        self.tickets.pop("alice@pve", None)
        others = ("/pools/mypool",) if self.names else ("/storage/s2", "/pools/q")
        for path in (*others, "/access/users/alice@pve"):
            self.call("DELETE", path)
        for name in ("full", "noacl", "ci", "tmp"):
            self.call("DELETE", f"/access/users/root@pam/token/{name}")
        for name in ("OptOnly", "AllocOnly", "CfgNoNet"):
            self.call("DELETE", f"/access/roles/{name}")

    def _is_ours(self, item: Mapping[str, Any]) -> bool:
        """Whether a container or volume may be removed: on a host of somebody's, those of the range only."""
        return self.names is None or int(item.get("vmid", 0)) in OURS

    def _step(self, line: Mapping[str, Any]) -> None:
        answer = self.call(
            line["step"], self._live(line["path"]), **{k: self._live(v) for k, v in line["params"].items()}
        )
        found = re.search(r"/token/(\w+)$", line["path"])
        if found and isinstance(answer.data, dict):
            self.secrets[found[1]] = answer.data["value"]
        if line["path"].endswith("/access/users"):
            self.tickets.pop("alice@pve", None)

    def _upload(self, name: str, content: bytes) -> None:
        mark = "playing"
        kind = f'--{mark}\r\nContent-Disposition: form-data; name="content"\r\n\r\nvztmpl\r\n'
        head = f'--{mark}\r\nContent-Disposition: form-data; name="filename"; filename="{name}"\r\n\r\n'
        body = (kind + head).encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {**self._root("POST"), "Content-Type": f"multipart/form-data; boundary={mark}"}
        self._wait(self.send("POST", f"{NODE}/storage/local/upload", body, headers).data)

    def _unrecorded(self, line: Mapping[str, Any]) -> None:
        """A step that needs a caller or a body of its own; its answer is not compared."""
        answer = self._ask(line)
        self._keep_secret(line, answer)
        if str(answer.data).startswith("UPID:"):
            self._note(answer.data)
            self._learn(line, self._wait(answer.data))

    def _keep_secret(self, line: Mapping[str, Any], answer: Answer) -> None:
        found = re.search(r"/token/(\w+)$", line["request"].get("path", ""))
        if found and isinstance(answer.data, dict) and "value" in answer.data:
            self.secrets[found[1]] = answer.data["value"]

    def _recorded(self, line: Mapping[str, Any]) -> str:
        answer = self._ask(line)
        wanted = self._wanted(line["response"])
        task = self._follow(line, answer)
        self._keep_secret(line, answer)
        return comparing.difference(line, wanted, answer, task)

    def _wanted(self, response: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(response).replace(_WEB, self.web))
        return found

    def _follow(self, line: Mapping[str, Any], answer: Answer) -> Mapping[str, Any] | None:
        if not str(answer.data).startswith("UPID:"):
            return None
        recorded = line["response"]["body"].get("data") if isinstance(line["response"]["body"], dict) else ""
        self._note(answer.data, str(recorded))
        if line.get("running"):
            return None
        task = self._wait(answer.data)
        self._learn(line, task)
        return task

    def _note(self, upid: str, recorded: str = "") -> None:
        new, old = _UPID.search(upid), _UPID.search(recorded)
        if new:
            self.newest[new[5], new[6]] = f"{new[1]}:{new[3]}:{new[4]}"
            if old:
                self.tasks[f"{old[1]}:{old[3]}:{old[4]}"] = f"{new[1]}:{new[3]}:{new[4]}"

    def _learn(self, line: Mapping[str, Any], task: Mapping[str, Any]) -> None:
        """Which backup of this node stands for a recorded one: the task's, by its log."""
        stamp, new = line.get("dump"), _DUMP.search(task["log"])
        if stamp and new:
            self.archives[stamp] = new[3]

    def _wait(self, upid: str) -> dict[str, Any]:
        path = f"{NODE}/tasks/{quote(upid, safe='')}"

        def ended() -> dict[str, Any] | None:
            status: dict[str, Any] = self.send("GET", f"{path}/status", None, self._root("GET")).data
            return status if status["status"] == "stopped" else None

        pause = self.patience
        status = wait_until(
            ended, Deadline(_TASK_SECONDS), f"the end of {upid}", first_pause=pause, longest_pause=pause
        )
        log = self.send("GET", f"{path}/log?limit=0", None, self._root("GET")).data
        text = [str(entry["t"]) for entry in log]
        return {"exitstatus": status.get("exitstatus"), "last": text[-1], "log": "\n".join(text)}

    def _live(self, text: str) -> str:
        """A recorded text with this node's identifiers."""

        def task(found: re.Match[str]) -> str:
            recorded = f"{found[1]}:{found[3]}:{found[4]}"
            new = self.tasks.get(recorded)
            if new is None and found[1] != _NEVER:
                new = self.newest.get((found[5], found[6]))
            return found[2].join([*new.split(":"), found[5], found[6]]) if new else found[0]

        text = _UPID.sub(task, text.replace(_WEB, self.web).replace(_WEB.replace(":", "%3A"), quote(self.web)))
        return _DUMP.sub(lambda found: found[1] + self.archives.get(found[3], found[3]), text)

    def _secret(self, text: str) -> str:
        text = re.sub(r"PVE:root@pam:[0-9A-F]{8}::[^\s;]+", lambda _: self.login("root@pam", self.password)[0], text)
        secret = self.secrets.get("full", "none")
        return re.sub(r"(?<=[=:])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", secret, text)

    def _credentials(self, line: Mapping[str, Any], method: str) -> dict[str, str]:
        odd = _ODD.get(line["id"])
        if odd:
            return odd(self, method)
        given = line["request"].get("headers") or {}
        if "Authorization" in given or "Cookie" in given:
            return {}
        who = line["as"]
        if who.startswith("root-ticket"):
            return self._root("GET" if who.endswith("without-csrf") else method)
        if who == "user-ticket":
            return _headers(method, *self.login("alice@pve", "AlicePass1"))
        name = {"token-full": "full", "token-privsep": "ci", "token-privsep-noacl": "noacl"}.get(who)
        return self._token(f"root@pam!{name}={self.secrets.get(name, 'none')}") if name else {}

    def _token(self, text: str) -> dict[str, str]:
        return {"Authorization": f"PVEAPIToken={self._out(text)}"}

    def _ask(self, line: Mapping[str, Any]) -> Answer:
        asked = line["request"]
        if "raw" in asked:
            return self._raw(line)
        params = asked["params"].items() if isinstance(asked["params"], dict) else asked["params"]
        pairs = [(key, item) for key, value in params for item in (value if isinstance(value, list) else [value])]
        pairs = [(key, self._secret(self._live(value)) if isinstance(value, str) else value) for key, value in pairs]
        path, method, body = self._live(asked["path"]), asked["method"], asked.get("raw_body")
        pairs = [(key, self._digest(path) if _is_digest(key, value) else value) for key, value in pairs]
        headers = {name: self._out(self._secret(value)) for name, value in (asked.get("headers") or {}).items()}
        headers |= self._credentials(line, method)
        pairs = self._values(method, path, pairs)
        if method in ("GET", "DELETE"):
            mark = "&" if "?" in path else "?"
            return self.send(method, path + (mark + urlencode(pairs) if pairs else ""), body, headers)
        if body is not None:
            return self.send(method, path, self._out(self._live(body)).encode("latin1"), headers)
        if pairs and not asked.get("headers"):
            return self.send(method, path, urlencode(pairs), {**headers, **_FORM})
        return self.send(method, path, "", headers)

    def _digest(self, path: str) -> str:
        return str(self.call("GET", re.sub(r"^/api2/\w+", "", path)).data["digest"])

    def _raw(self, line: Mapping[str, Any]) -> Answer:
        """Bytes as they were sent, on a connection of their own."""
        raw = _TAILS[line["id"]](line["request"]["raw"]) if line["id"] in _TAILS else line["request"]["raw"]
        ticket, token = self.login("root@pam", self.password)
        raw = re.sub(r"(?<=PVEAuthCookie=)[^\r]*", quote(ticket), raw)
        raw = self._out(re.sub(r"(?<=CSRFPreventionToken: )[^\r]*", token, raw))
        place = urlsplit(self.url)
        with socket.create_connection((place.hostname, place.port), timeout=20) as plain:
            tls = line["request"].get("tls", True)
            link = self.context.wrap_socket(plain, server_hostname=place.hostname) if tls else plain
            with link:
                link.sendall(raw.encode("latin1"))
                data = b"".join(iter(lambda: link.recv(65536), b""))
        head, _, body = data.partition(b"\r\n\r\n")
        words = [*head.decode("latin1").split("\r\n")[0].split(" ", 2), "", ""]
        return self._read(int(words[1]), words[2], body)


def _answer(status: int, reason: str, content: bytes) -> Answer:
    if not content:
        return Answer(status, reason, None)
    try:
        return Answer(status, reason, json.loads(content))
    except ValueError:
        return Answer(status, reason, {"__raw__": content.decode("latin1")})


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _headers(method: str, ticket: str, token: str = "") -> dict[str, str]:
    cookie = {"Cookie": f"PVEAuthCookie={quote(ticket)}"}
    return cookie if method == "GET" or not token else {**cookie, "CSRFPreventionToken": token}


def _is_digest(key: str, value: Any) -> bool:
    return key == "digest" and bool(re.fullmatch(r"[0-9a-f]{40}", str(value))) and value != "a" * 40


def _with_token(name: str, secret: str) -> Any:
    return lambda player, method: player._token(f"{name}={player.secrets.get(secret, secret)}")


_WRONG = "00000000-0000-0000-0000-000000000000"
# Callers whose credentials are no part of the recorded request.
_ODD: dict[str, Any] = {
    "bad-ticket": lambda p, m: _headers(m, "PVE:root@pam:5F000000::aaaa"),
    "bad-ticket-garbage": lambda p, m: _headers(m, "garbage"),
    "bad-ticket-tampered-user": lambda p, m: _headers(m, p.tickets["root@pam"][0].replace("root@pam", "admin@pam")),
    "csrf-wrong-post": lambda p, m: _headers(m, p.login("root@pam", p.password)[0], "5F000000:abcdef"),
    "csrf-malformed-post": lambda p, m: _headers(m, p.login("root@pam", p.password)[0], "xyz"),
    "token-wrong-secret": _with_token("root@pam!full", _WRONG),
    "token-wrong-secret-extjs": _with_token("root@pam!full", _WRONG),
    "token-nonuuid-secret": _with_token("root@pam!full", "abc"),
    "token-unknown-id": _with_token("root@pam!zzz", "full"),
    "token-unknown-user": _with_token("ghost@pve!zzz", "full"),
    "token-expired": _with_token("root@pam!tmp", "tmp"),
}


def _tail(text: str) -> Any:
    return lambda raw: raw[: raw.index("CSRFPreventionToken:")] + "CSRFPreventionToken: x\r\n" + text


# Raw requests that were kept without their ends.
_TAILS = {
    "http-chunked-post": _tail("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n8\r\npoolid=q\r\n0\r\n\r\n"),
    "http-post-too-large": _tail("Content-Length: 600000\r\nConnection: close\r\n\r\npoolid=x"),
}
