"""What makes an installed control plane this project's: credentials, accounts, variables, the monorepo itself.

Everything here may be repeated; what is there and right is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.config import forge_accounts
from harness.config.forge_accounts import RECIPES, SERVICE, ForgeAccount
from harness.controlplane import deployment
from harness.controlplane.account import forge_account
from harness.controlplane.kit import ACCOUNT
from harness.controlplane.luggage import KNOWN_HOSTS, SHARE, Luggage, NodeAddress
from harness.controlplane.reach import Reach, SshReach
from harness.embedded.engine.files import File
from harness.forge import users, variables
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import ForgeError, LoginRefused
from harness.forge.variables import Scope
from harness.inventory.model import Container
from harness.kit.errors import ConfigurationError, Problem
from harness.kit.files import private_directory
from harness.kit.secret import Secret
from harness.lifecycle import reading
from harness.lifecycle.seeding import names, seed
from harness.lifecycle.seeding.accounts import recipes_login, service_login
from harness.lifecycle.seeding.report import Seeded
from harness.lifecycle.workspace import Say, Workspace
from harness.remote import keys
from harness.remote.connection import Connection

GLOBALS: Final = ("globals.json", "globals.local.json")
"""Variables for every organisation; the second is this machine's own and wins."""
_ACCOUNTS: Final = f"{SHARE}/{forge_accounts.FILE}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A control plane that answers: its forge as we reach it, as containers do, and the way to its files."""

    address: Address
    reach: Reach
    inside: str
    """The forge's address for what runs in the same container."""
    for_containers: str | None
    """None: containers cannot reach it, so recipes get no account there."""


def luggage(workspace: Workspace, say: Say) -> Luggage:
    """What a control plane has to bring along to work on the target of ``workspace`` as we do.

    What both sides must have alike is made first: the keys of all containers, so that whichever side makes one both
    can log in, the authority, and the key that revisions are hashed with. On an embedded node the token that only reads
    as well; on a host of the user's that waits for the first deploy (``pack``): until one is accepted nothing changes
    there.
    """
    workspace.share.revision_key()
    deployment.authority(workspace.share).found()
    for container in workspace.inventory.containers:
        keys.ensure_key(workspace.share.keys, container.vmid)
    node = None
    if workspace.settings.embedded_target:
        reading.ensure(workspace, say)
        endpoint, credentials = workspace.pve.endpoint, workspace.pve.credentials
        assert endpoint.fingerprint
        assert credentials.password
        node = NodeAddress(endpoint.host, endpoint.port, credentials.user, credentials.password, endpoint.fingerprint)
    return Luggage(workspace.settings, workspace.share, workspace.login, workspace.password, node)


def hand_over(workspace: Workspace, to: Recipient, say: Say, *, all_requests: bool) -> Seeded:
    """Accounts, variables and the monorepo for a control plane that has its luggage already.

    ``all_requests``: every container repository gets a release pull request, not only ``main/config``.
    """
    with closing(Forge(to.address, Login(forge_account(workspace.login), password=workspace.password))) as admin:
        account = ensure_accounts(admin, to)[SERVICE]
    with closing(Forge(to.address, Login(account.user, token=account.token))) as service:
        seeded = seed.seed(service, workspace.root, _scratch(workspace, to), all_requests=all_requests)
        carry_variables(workspace, service)
    say(f"{to.address.base} has the monorepo ({len(seeded.repositories)} repositories)")
    return seeded


def recipient_on(workspace: Workspace, container: Container, connection: Connection) -> Recipient:
    """The control plane in ``container``, converged already."""
    address = Address(deployment.url(container), deployment.authority(workspace.share).found())
    inside = f"http://127.0.0.1:{deployment.PLAIN_PORT}"
    return Recipient(address, SshReach(connection), inside, deployment.url(container))


def pack(workspace: Workspace, reach: Reach, say: Say) -> None:
    """Bring the luggage to a control plane on Proxmox VE."""
    reading.ensure(workspace, say)
    found = luggage(workspace, say)
    first = reach.read(f"{SHARE}/{found.target}/{KNOWN_HOSTS}") is None
    reach.put(found.files(first=first))


def _scratch(workspace: Workspace, to: Recipient) -> Path:
    """Each forge has a memory of its own of what was seeded to it."""
    place = to.address.base.partition("://")[2].replace(":", "-").replace("/", "-")
    return private_directory(workspace.share.path / "scratch") / f"{place}.git"


def ensure_accounts(admin: Forge, to: Recipient) -> Mapping[str, ForgeAccount]:
    """The accounts that the control plane works with: those that it has while they are good, else new ones."""
    present = _present(to.reach)
    if _good(present, to):
        return present
    authorities = to.address.ca.read_text() if to.address.ca else None
    login = service_login(admin)
    assert login.token is not None
    accounts = {SERVICE: ForgeAccount(to.inside, login.user, login.token)}
    if to.for_containers is not None:
        with closing(Forge(to.address, login)) as service:
            recipes = recipes_login(admin, service)
        assert recipes.token is not None
        accounts[RECIPES] = ForgeAccount(to.for_containers, recipes.user, recipes.token, authorities)
    to.reach.put([File(_ACCOUNTS, forge_accounts.render(accounts).encode(), 0o600, ACCOUNT)])
    return accounts


def _present(reach: Reach) -> dict[str, ForgeAccount]:
    found = reach.read(_ACCOUNTS)
    try:
        entries = json.loads(found or b"{}")
        return {
            name: ForgeAccount(entry["url"], entry["user"], Secret(entry["token"]), entry.get("ca"))
            for name, entry in entries.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):  # damaged: it is written anew
        return {}


def _good(present: Mapping[str, ForgeAccount], to: Recipient) -> bool:
    """Whether the tokens still open the forge and recipes are sent to the right place."""
    service, recipes = present.get(SERVICE), present.get(RECIPES)
    if service is None or service.url != to.inside or (recipes.url if recipes else None) != to.for_containers:
        return False
    return all(_opens(account, to.address) for account in present.values())


def _opens(account: ForgeAccount, address: Address) -> bool:
    with closing(Forge(address, Login(account.user, token=account.token))) as forge:
        try:
            return users.me(forge).login == account.user
        except LoginRefused:
            return False
        except ForgeError as refused:
            if refused.status == 403:  # a scope without users: the token itself is good
                return True
            raise


def carry_variables(workspace: Workspace, to: Forge) -> None:
    """The repository's ``globals.json`` and what our own forge has, for every organisation that lacks them there.

    A value that the other forge has stays: people change variables there.
    """
    given = read_globals(workspace.root)
    ours = _our_variables(workspace)
    for organisation in names.ORGANISATIONS:
        scope = Scope.organisation(organisation)
        there = variables.listed(to, scope)
        for name, value in {**given, **ours.get(organisation, {})}.items():
            if name.upper() not in there:
                variables.put(to, scope, name.upper(), value)


def _our_variables(workspace: Workspace) -> dict[str, dict[str, str]]:
    """By organisation, what the forge of the control plane has that we run in; nothing on a workstation."""
    account = forge_accounts.read(workspace.share.path.parent, SERVICE)
    if account is None:
        return {}
    with closing(Forge(Address(account.url), Login(account.user, token=account.token))) as forge:
        return {name: variables.listed(forge, Scope.organisation(name)) for name in names.ORGANISATIONS}


def read_globals(root: Path) -> dict[str, str]:
    """Variables of the repository. Raises ``ConfigurationError`` for a file that is not an object of plain values."""
    found: dict[str, str] = {}
    for name in GLOBALS:
        path = root / name
        if not path.is_file():
            continue
        try:
            entries = json.loads(path.read_text())
        except ValueError as error:
            raise ConfigurationError([Problem(Path(name), None, str(error), "the file is JSON")]) from error
        if not isinstance(entries, dict) or any(isinstance(value, dict | list) for value in entries.values()):
            raise ConfigurationError([Problem(Path(name), None, "not plain", "one object: name to text or number")])
        found.update({key: value if isinstance(value, str) else json.dumps(value) for key, value in entries.items()})
    return found
