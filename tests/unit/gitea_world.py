"""Programs that take the place of Gitea's own in tests: they note what they were called with, and do a little of it."""

from __future__ import annotations

import hashlib
import http.server
import json
import lzma
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GITEA = """\
#!PYTHON
import base64, configparser, http.server, json, os, pathlib, signal, ssl, sys, time
argv, here = sys.argv[1:], pathlib.Path(__file__).parent
if not os.access(here, os.W_OK): here = pathlib.Path.cwd()
stdin = "" if "web" in argv else sys.stdin.read()
with open(here / "calls.jsonl", "a") as log:
    log.write(json.dumps({"argv": argv, "stdin": stdin}) + "\\n")
people = here / "people.json"
known = json.loads(people.read_text()) if people.exists() else {}
def keep(): people.write_text(json.dumps(known))
if "--config" in argv:
    path = pathlib.Path(argv[argv.index("--config") + 1])
    ini = configparser.RawConfigParser(); ini.read_string("[top]\\n" + path.read_text())
    (here / f"ini-{argv[2]}").write_text(path.read_text())
word = [one for one in argv if one in ("secret", "migrate", "list", "create", "generate-access-token", "web")][0]
if (here / "broken").exists() and word == (here / "broken").read_text():
    sys.exit("it does not work")
if word == "secret":
    print(f"made-{argv[-1]}-{os.getpid()}")
elif word == "list":
    print("ID   Username   Email   IsActive IsAdmin 2FA")
    for number, name in enumerate(known, 1): print(number, name, name + "@x", "true", "true", "false")
elif word == "create":
    known[argv[argv.index("--username") + 1]] = "random"; keep()
    print("generated random password is 'random'")
elif word == "generate-access-token":
    known[argv[argv.index("-u") + 1] + " token"] = "f" * 40; keep(); print("f" * 40)
elif word == "web":
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, status, data=None):
            body = json.dumps(data).encode() if data is not None else b""
            self.send_response(status); self.send_header("Content-Length", str(len(body)))
            self.end_headers(); self.wfile.write(body)
        def do_GET(self):
            self.answer(200, {"status": "pass", "path": self.path, "pid": os.getpid()})
        def do_PATCH(self):
            size = int(self.headers["Content-Length"]); body = json.loads(self.rfile.read(size))
            if self.headers["Authorization"] != "token " + "f" * 40: return self.answer(401, {"message": "no"})
            known[self.path.rsplit("/", 1)[1]] = body["password"]; keep(); self.answer(200, {})
        def do_DELETE(self):
            name, _, password = base64.b64decode(self.headers["Authorization"][6:]).decode().partition(":")
            if known.get(name) != password: return self.answer(401, {"message": "no"})
            known.pop(name + " token"); keep(); self.answer(204)
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer((ini["server"]["HTTP_ADDR"], int(ini["server"]["HTTP_PORT"])), Handler)
    if ini["server"]["PROTOCOL"] == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(ini["server"]["CERT_FILE"], ini["server"]["KEY_FILE"])
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()
"""
RUNNER = """\
#!PYTHON
import json, os, pathlib, signal, sys, time, yaml
argv, here = sys.argv[1:], pathlib.Path(__file__).parent
if not os.access(here, os.W_OK): here = pathlib.Path.cwd()
config = yaml.safe_load(pathlib.Path(argv[argv.index("--config") + 1]).read_text())
stdin = sys.stdin.read() if argv[-1] == "register" else ""
with open(here / "calls.jsonl", "a") as log:
    log.write(json.dumps({"argv": argv, "stdin": stdin}) + "\\n")
if argv[-1] == "register":
    forge, token, name, labels = stdin.splitlines()
    print("INFO Enter the runner token:", file=sys.stderr)
    if token != "good": sys.exit("ERRO Failed to register runner: runner registration token not found")
    entry = {"address": forge, "name": name, "labels": labels.split(","), "token": "t"}
    pathlib.Path(config["runner"]["file"]).write_text(json.dumps(entry))
else:
    def end(*_): (here / "ended").write_text("SIGTERM"); sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    (here / "running").write_text("")
    time.sleep(60)
"""


def gitea(directory: Path) -> Path:
    """A program that stands in for Gitea's; its calls are in ``calls.jsonl`` beside it."""
    return _program(directory / "gitea", GITEA)


def runner(directory: Path) -> Path:
    """The same for the runner."""
    return _program(directory / "act_runner", RUNNER)


def release(text: str, interpreter: str) -> bytes:
    """One of the two programs for a machine whose Python is ``interpreter``."""
    return text.replace("PYTHON", interpreter, 1).encode()


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("PYTHON", sys.executable, 1))
    path.chmod(0o755)
    return path


def calls(program: Path) -> list[dict[str, Any]]:
    """What a program was called with so far."""
    log = program.with_name("calls.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def packed(text: bytes) -> tuple[bytes, str]:
    """A release as it is published, and its SHA-256."""
    data = lzma.compress(text)
    return data, hashlib.sha256(data).hexdigest()


@contextmanager
def mirror(files: dict[str, bytes], asked: list[str]) -> Iterator[str]:
    """A mirror of these files by path; what it was asked for comes into ``asked``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path)
            self.send_response(200 if data is not None else 404)
            # A name with "short" promises more than comes.
            self.send_header("Content-Length", str(len(data or b"") + (9 if "short" in self.path else 0)))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
