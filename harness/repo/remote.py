"""Where a forge's repositories are and how git signs in there: by its environment, never by its command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.kit.errors import HarnessError, UnreachableError
from harness.kit.process import Completed
from harness.kit.secret import Secret, redact

_NOT_THERE = ("could not resolve", "failed to connect", "couldn't connect", "connection refused", "timed out")
_NOT_LET_IN = ("authentication failed", "could not read username", "terminal prompts disabled", "error: 401")


class RemoteError(HarnessError):
    """A forge refused what git wanted, or it broke off."""


class RemoteUnreachable(UnreachableError):  # noqa: N818  (named for what happened)
    """git finds no forge there, or is not let in."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A forge as git sees it. ``header``: the value of ``Authorization`` (basic); ``ca``: authorities to trust."""

    base: str
    header: Secret | None = None
    ca: Path | None = None

    def url(self, slug: str) -> str:
        """The address of repository ``owner/name``."""
        return f"{self.base}/{slug}.git"

    def environment(self) -> dict[str, str]:
        """Environment variables for git; readable by our own user only, as a process's environment is."""
        options = {"http.proxy": "", "credential.helper": ""}
        if self.ca:
            options["http.sslCAInfo"] = str(self.ca)
        if self.header:
            options[f"http.{self.base}/.extraHeader"] = f"Authorization: {self.header.reveal()}"
        pairs = {f"GIT_CONFIG_KEY_{index}": key for index, key in enumerate(options)}
        values = {f"GIT_CONFIG_VALUE_{index}": value for index, value in enumerate(options.values())}
        # A variable of the user's for all servers would win over the option.
        trust = {"GIT_SSL_CAINFO": str(self.ca)} if self.ca else {}
        return {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(options)), **pairs, **values, **trust}


def failure(what: str, done: Completed) -> HarnessError:
    """What git said when it could not talk to a forge, as the harness says it."""
    text = redact(done.error_text.strip())
    lower = text.lower()
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given")
    if any(word in lower for word in _NOT_THERE):
        return RemoteUnreachable(f"{what}: the forge does not answer", detail=text)
    if any(word in lower for word in _NOT_LET_IN):
        hint = "check login, password or token; `./run local` gives a control plane a new one"
        return RemoteUnreachable(f"{what}: the forge refuses the login", hint=hint, detail=text)
    return RemoteError(f"{what}: {last}", detail=text)
