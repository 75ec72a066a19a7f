"""``docs/configuration.md``, rendered from the tables that the code itself reads by.

``python -m harness.config.reference > docs/configuration.md`` writes the page anew; a test holds the two together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from harness.config.keys import KEYS, Key
from harness.config.settings_file import FILE, TEMPLATE
from harness.config.settings_keys import SETTINGS, Setting

_HEAD = """\
# Configuration reference

<!-- Rendered by `python -m harness.config.reference`; change the tables in harness/config, not this page. -->

Two kinds of files say what there shall be. A `config.env` describes one container; `local/config.json` says where
containers go and who may sign in. Both are read as data, never executed, and checked as a whole before anything
happens: every problem is shown at once, with file and line, the rule, and what to write instead (exit code 2).

`./run config` runs these checks alone. `./run config -- --explain [container]` shows every effective value and the
place it came from; `--json` is for programs.
"""

_CONTAINERS = """\
## Containers: `config.env`

The file in the root describes the control plane's own container, `libs/<name>/config.env` the container `<name>`.
A folder's name is 1 to 63 lower-case letters, digits, `-` and `_`, a letter first.

```dotenv
# a comment
{example}
```

A line is `KEY=value`, optionally after `export`. A value may stand in single quotes (taken as it is) or double quotes
(`\\n`, `\\t`, `\\"`, `\\\\`, `\\$` are escapes); outside of quotes it ends before white space and `#`. Nothing is
expanded: `$HOME` is five characters. A key stands once in a file; an empty value means the key's default.

### Overrides

Later files win, key by key:

1. `config.env`
2. `config.local.env`, for this machine only (git-ignored)
3. `config.<stage>.env`, read when a command is given `--stage <stage>`

A stage is a second deployment from the same library. It holds the containers that have a `config.<stage>.env`; that
file must set an `ID` and an `IP` of its own. Unless it sets `HOSTNAME` too, the hostname is `<stage>-<name>`.

### Keys
"""

_ADDRESSES = """\
### Addresses

All containers of a target sit on one bridge. Which network that is depends on what is known:

| target | `proxmox.gateway` | the bridge's network | the gateway | an address outside of it |
| --- | --- | --- | --- | --- |
| any | set | that of the gateway and `proxmox.mask` | `proxmox.gateway` | is refused |
| the embedded node | not set | that of the root's `IP` | its first host address | moves into it, host part kept |
| a Proxmox VE host | not set | each container's own | its first host address, with a notice | cannot be told |

No container gets the gateway's address, the network's own or its broadcast address, and no two get the same.

An embedded node makes its bridge on this machine, so its network must be free here. A network that this machine has,
routes to or asks a resolver in, that another node uses, or that is not private, moves to a free private one
(10.143.0.0/24 onwards), host part kept: 192.168.178.42 becomes, say, 10.143.0.42. Plan, recipes and specs see the
resolved address, `--explain` shows both. The choice is kept in `local/share/embedded/network.json` for as long as
the network stays free. Routes to more than a /8 (a default route, a VPN's two halves of everything) do not count.

### What makes a library whole

A library without `recipes/default.rb`, or without a `specs/test_*.py`, is deployed all the same, with a warning that
says what to write where. `NEEDS` may not form a circle.
"""

_SETTINGS_HEAD = """\
## Settings: `{file}`

Copy `{template}` to `{file}`, fill in what you need, and keep it to yourself: `chmod 600`
(it is git-ignored; a file that others may read is refused). An empty text means *not set*. Without the file, or without
a `proxmox.host` in it, every run goes to the embedded node on this machine, and what belongs to a host (node, bridge,
storage, credentials) is that node's own.

Each setting can also come from an environment variable, which wins over the file: `GITOPS_` and the setting's name in
capitals, dots as underscores (`GITOPS_PROXMOX_HOST`, `GITOPS_PASSWORD`).
"""

_TAIL = """\
## Where state is kept

| variable | meaning | default |
| --- | --- | --- |
| `GITOPS_ROOT` | the repository | the nearest directory upwards with `config.env` and `libs/` |
| `GITOPS_CONFIG` | the settings' file | `local/config.json` in the repository |
| `GITOPS_SHARE` | state of all targets: keys, known hosts, runs, generated login | `local/share` in the repository |

Each target has a directory of its own there, readable by you alone: `embedded`, or `<host>-<port>`.
"""

_EXAMPLE = ("IP", "ID", "HOSTNAME", "CORES", "MEMORY", "SWAP", "DISK", "BOOT")


def render() -> str:
    """The whole page."""
    example = "\n".join(f"{name}={KEYS[name].example}" for name in _EXAMPLE)
    parts = (
        _HEAD,
        _CONTAINERS.format(example=example),
        _table(("key", "value", "default", "meaning"), map(_key_row, KEYS.values())),
        _ADDRESSES,
        _SETTINGS_HEAD.format(file=FILE, template=TEMPLATE),
        _table(("setting", "value", "default", "meaning"), map(_setting_row, SETTINGS.values())),
        _TAIL,
    )
    return "\n".join(parts)


def _key_row(key: Key) -> tuple[str, ...]:
    return f"`{key.name}`", key.rule, key.default_words, f"{key.meaning} Example: `{key.name}={key.example}`"


def _setting_row(setting: Setting) -> tuple[str, ...]:
    return f"`{setting.name}`", setting.rule, setting.default, setting.meaning


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
