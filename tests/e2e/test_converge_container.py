"""The base role and both engines, in a real container over real ssh."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.controlplane.authority import Authority
from harness.converge import cookbook as cookbooks
from harness.converge.cookbook import Cookbook
from harness.converge.engine import EngineChoice, choose_engine, converge
from harness.converge.errors import ConvergeError
from harness.converge.mirror import Package, Release, ask_mirror
from harness.converge.results import ConvergeResult
from harness.kit.secret import Secret
from harness.provision.base import BaseError, BaseResult, apply_base
from harness.remote.connection import Connection
from harness.remote.errors import RemoteError
from tests.e2e.single import Single

SOURCE = Path(__file__).parents[2]
HELPERS = SOURCE / cookbooks.HELPERS
COOKBOOKS = Path(__file__).parent / "cookbooks"
PASSWORD = "sesame-opens-nothing"
ATTRIBUTES: Mapping[str, object] = {
    "login": "admin",
    "password": Secret(PASSWORD),
    "hostname": "single",
    "domain": "internal",
    "stage": "main",
    "containers": [{"name": "apache", "hostname": "apache", "ip": "127.0.0.1", "domain": "internal", "vmid": 113}],
    "everything": {"overridden": "by json"},
}
ITAMAE = EngineChoice("itamae", "for the test")


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Single]:
    made = Single(tmp_path_factory.mktemp("converge"), "converge", 63)
    yield made
    made.close()


@pytest.fixture(scope="module")
def config(single: Single) -> Connection:
    """A connection as config, after the base role."""
    root = single.connect("root", first_contact=True)
    steps = base(root, single).steps
    assert all(step.changed for step in steps if step.name not in ("upgrade", "timezone"))
    return single.connect("config")


def base(connection: Connection, single: Single, authority: str | None = None) -> BaseResult:
    """The base role with this test's authority, or another."""
    known = single.authority if authority is None else authority
    return apply_base(connection, public_key=single.key.public, upgrade=False, authority=known)


def text(connection: Connection, command: str) -> str:
    return connection.run(command, sudo=True).text.strip()


def run(connection: Connection, cookbook: Path, engine: EngineChoice = ITAMAE) -> ConvergeResult:
    return converge(connection, Cookbook(cookbook.name, cookbook, HELPERS), ATTRIBUTES, engine)


# The base role


def test_base_closes_roots_door_and_opens_that_of_config(single: Single, config: Connection) -> None:
    assert text(config, "id -un") == "root"
    with pytest.raises(RemoteError):
        single.connect("root")


def test_base_again_changes_nothing(single: Single, config: Connection) -> None:
    assert base(config, single).changed == ()


def test_base_mends_what_was_changed_by_hand(single: Single, config: Connection) -> None:
    config.run("sed -i s/no/yes/ /etc/ssh/sshd_config.d/00-container.conf; rm /etc/sudoers.d/README", sudo=True)
    assert base(config, single).changed == ("sshd",)
    assert "permitrootlogin no" in text(config, "sshd -T")


def test_base_has_the_system_trust_an_authority_another_one_instead_or_none(
    single: Single, config: Connection, tmp_path: Path
) -> None:
    assert single.trusts(config, single.authority)
    other = Authority(tmp_path / "other").found().read_text()
    assert base(config, single, other).changed == ("authority",)
    assert (single.trusts(config, other), single.trusts(config, single.authority)) == (True, False)
    assert base(config, single, "").changed == ("authority",)
    assert not single.trusts(config, other)
    assert base(config, single).changed == ("authority",)


def test_base_puts_sshd_back_when_its_configuration_is_not_accepted(single: Single, config: Connection) -> None:
    config.run("echo 'Nonsense yes' > /etc/ssh/sshd_config.d/99-bad.conf", sudo=True)
    config.run("rm /etc/ssh/sshd_config.d/00-container.conf", sudo=True)
    with pytest.raises(BaseError, match="sshd") as caught:
        base(config, single)
    assert caught.value.step == "sshd"
    config.run("rm /etc/ssh/sshd_config.d/99-bad.conf", sudo=True)
    assert base(config, single).changed == ("sshd",)
    single.connect("config").close()


# Itamae


def test_the_readme_recipe_works_as_it_stands(config: Connection) -> None:
    result = run(config, SOURCE / "libs" / "apache")
    assert "package[apache2]" in result.changed
    assert text(config, "curl -s http://127.0.0.1/") == "<h1>Hello from admin</h1>"
    assert text(config, "stat -c %U:%G:%a /var/www/html/index.html") == "app:config:644"
    assert run(config, SOURCE / "libs" / "apache").changed == ()


def test_every_supplied_name_does_what_chef_does(config: Connection) -> None:
    result = run(config, COOKBOOKS / "everything")
    assert text(config, "cat /srv/everything/plain") == "Greetings, admin"
    assert text(config, "stat -c %U:%G:%a /srv/everything/plain") == "sailor:crew:640"
    assert text(config, "cat /srv/everything/lazy") == "counted 1, set in the recipe"
    assert text(config, "cat /srv/everything/page") == "Everything on debian\n- one\n- two"
    assert text(config, "cat /srv/everything/note.txt") == "a file of the cookbook"
    assert text(config, "cat /srv/everything/tree/sub/deep.txt") == "deep"
    assert text(config, "stat -c %U:%a /srv/everything/tree/flat.txt") == "root:444"
    assert text(config, "readlink /srv/everything/link") == "/srv/everything/plain"
    assert text(config, "cat /srv/everything/fetched") == "Greetings, admin"
    assert text(config, "cat /srv/everything/who") == "sailor"
    assert text(config, "cat /srv/everything/bash") == "spoken"
    assert text(config, "cat /srv/everything/included") == "by include_recipe in everything::more"
    assert text(config, "cat /srv/everything/late") == "written last, true"
    assert text(config, "id -Gn sailor") == "crew"
    assert text(config, "test -e /srv/everything/never || echo absent") == "absent"
    places = {str(resource): resource.place for resource in result.resources}
    assert places["group[crew]"].startswith("recipes/default.rb:")


def test_an_application_runs_with_its_unit(config: Connection) -> None:
    unit = text(config, "cat /etc/systemd/system/watcher.service")
    assert "Description=Keeps watch" in unit
    assert "Environment=A=1\nEnvironment=B=2" in unit
    assert text(config, "systemctl is-active watcher; systemctl is-enabled watcher") == "active\nenabled"


def test_a_second_run_changes_nothing(config: Connection) -> None:
    assert run(config, COOKBOOKS / "everything").changed == ()


def test_a_restart_that_a_cut_off_run_owed_is_made_up_for(config: Connection) -> None:
    before = text(config, "systemctl show -p MainPID --value watcher")
    config.run("touch /srv/everything/program", sudo=True)
    assert "service[watcher on newer files]" in run(config, COOKBOOKS / "everything").changed
    assert text(config, "systemctl show -p MainPID --value watcher") != before


def test_a_failing_resource_is_shown_with_its_line_and_output(config: Connection) -> None:
    with pytest.raises(ConvergeError) as caught:
        run(config, COOKBOOKS / "failing")
    error = caught.value
    assert error.resource == "execute[a command that fails]"
    assert error.place == "recipes/default.rb:11"
    assert "the reason it gives" in error.tail
    assert (
        text(config, "ls /srv/before /srv/notified; test -e /srv/after || echo no") == "/srv/before\n/srv/notified\nno"
    )


def test_a_syntax_error_is_shown_with_its_line(config: Connection) -> None:
    with pytest.raises(ConvergeError, match="syntax") as caught:
        run(config, COOKBOOKS / "syntax")
    assert caught.value.place.startswith("recipes/default.rb:")


def test_a_resource_that_is_not_supplied_is_named(config: Connection) -> None:
    with pytest.raises(ConvergeError, match="'zfs_pool' is not supplied") as caught:
        run(config, COOKBOOKS / "unknown")
    assert caught.value.place == "recipes/default.rb:3"


def test_a_service_that_dies_fails_with_its_journal(config: Connection) -> None:
    with pytest.raises(ConvergeError, match="crashing is not active") as caught:
        run(config, COOKBOOKS / "crashing")
    assert "last words" in caught.value.tail
    config.run("systemctl disable --now crashing", sudo=True)


def test_a_secret_that_a_recipe_prints_is_masked(config: Connection) -> None:
    lines: list[str] = []
    with pytest.raises(ConvergeError) as caught:
        converge(config, Cookbook("leaky", COOKBOOKS / "leaky", HELPERS), ATTRIBUTES, ITAMAE, on_line=lines.append)
    error = caught.value
    assert "the password is" in error.tail
    assert PASSWORD not in "\n".join([str(error), error.tail, str(error.detail), *lines])


def test_nothing_of_a_run_stays_behind(config: Connection) -> None:
    assert text(config, "ls -d /run/gitops-converge.*/ 2>/dev/null || true") == ""
    # The pattern comes on standard input: sudo notes its command lines in the journal.
    places = "/run /tmp /var/tmp /var/log /var/lib/dpkg"
    found = config.run(f"grep -rlFf - {places} 2>/dev/null || true", sudo=True, stdin=PASSWORD.encode())
    assert found.text == ""


# The broker and the proxy


def test_the_broker_keeps_its_password_hashed_and_changes_nothing_twice(config: Connection) -> None:
    run(config, SOURCE / "libs" / "broker")
    assert text(config, "stat -c %U:%G:%a /etc/mosquitto/passwords") == "root:mosquitto:640"
    assert text(config, "cat /etc/mosquitto/passwords").startswith("admin:$7$")
    config.run(f"mosquitto_pub -h {config.address} -u admin -P {PASSWORD} -t t -m hello")
    assert config.run(f"mosquitto_pub -h {config.address} -t t -m hello", check=False).code != 0
    assert run(config, SOURCE / "libs" / "broker").changed == ()


def test_the_proxy_serves_containers_over_its_own_authority(config: Connection) -> None:
    config.run("sed -i s/80/8080/ /etc/apache2/ports.conf && systemctl restart apache2", sudo=True)
    attributes = {**ATTRIBUTES, "proxy": {"ports": {"apache": 8080}}}
    converge(config, Cookbook("proxy", SOURCE / "libs" / "proxy", HELPERS), attributes, ITAMAE)
    ask = "curl -s --cacert /etc/caddy/ca.crt --resolve apache.internal:443:127.0.0.1 https://apache.internal/"
    assert text(config, ask) == "<h1>Hello from admin</h1>"
    assert converge(config, Cookbook("proxy", SOURCE / "libs" / "proxy", HELPERS), attributes, ITAMAE).changed == ()


# Cinc


class Mirror:
    """A Cinc mirror on the container's network: one package, whose cinc-client stands in for the real one."""

    def __init__(self, address: str) -> None:
        self.deb = b""
        self.requests: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                body = mirror.answer(self.path)
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.deb).hexdigest()

    def answer(self, path: str) -> bytes | None:
        if path.startswith("/stable/cinc/metadata?"):
            url = f"{self.url}/files/cinc.deb"
            return (
                f"sha1\tx\nsha256\t{self.sha256}\nurl\t{url}\nversion\t18.8.54\n".encode() if "pv=12" in path else None
            )
        return self.deb if path == "/files/cinc.deb" else None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


BUILD = """set -e
rm -rf /tmp/cinc; mkdir -p /tmp/cinc/DEBIAN /tmp/cinc/usr/bin /tmp/cinc/opt/cinc
printf 'Package: cinc\\nVersion: 18.8.54-1\\nArchitecture: all\\nMaintainer: t\\nDescription: t\\n' \\
  >/tmp/cinc/DEBIAN/control
cat >/tmp/cinc/opt/cinc/client.rb
printf '#!/bin/sh\\nexec ruby /opt/cinc/client.rb "$@"\\n' >/tmp/cinc/usr/bin/cinc-client
chmod 755 /tmp/cinc/usr/bin/cinc-client
dpkg-deb --build /tmp/cinc /tmp/cinc.deb >/dev/null; cat /tmp/cinc.deb; rm -rf /tmp/cinc /tmp/cinc.deb
"""


@pytest.fixture(scope="module")
def mirror(single: Single, config: Connection) -> Iterator[Mirror]:
    made = Mirror(single.gateway)
    client = (Path(__file__).parent / "cinc_client.rb").read_bytes()
    made.deb = config.run(BUILD, stdin=client).stdout
    yield made
    made.close()


def test_auto_chooses_cinc_where_the_mirror_answers_and_reports_its_events(config: Connection, mirror: Mirror) -> None:
    choice = choose_engine("auto", ask_mirror(mirror.url))
    assert choice.name == "cinc"
    result = run(config, COOKBOOKS / "everything", choice)
    assert [(str(item), item.changed, item.place) for item in result.resources] == [
        ("file[/srv/seen]", True, "recipes/default.rb:7"),
        ("package[jq]", False, ""),
    ]
    assert text(config, "dpkg-query -W -f '${Version}' cinc") == "18.8.54-1"
    assert text(config, "cat /srv/seen") == "700 600 admin True common.rb"


def test_an_installed_release_is_not_fetched_again(config: Connection, mirror: Mirror) -> None:
    before = mirror.requests.count("/files/cinc.deb")
    run(config, COOKBOOKS / "everything", choose_engine("cinc", ask_mirror(mirror.url)))
    assert mirror.requests.count("/files/cinc.deb") == before


def test_a_failure_under_cinc_shows_resource_line_and_output(config: Connection, mirror: Mirror) -> None:
    with pytest.raises(ConvergeError, match="not today") as caught:
        run(config, COOKBOOKS / "failing", choose_engine("cinc", ask_mirror(mirror.url)))
    assert caught.value.resource == "execute[a command that fails]"
    assert caught.value.place == "recipes/default.rb:11"
    assert text(config, "ls -d /run/gitops-converge.*/ 2>/dev/null || true") == ""


def test_a_package_that_is_not_the_promised_one_is_not_installed(config: Connection, mirror: Mirror) -> None:
    config.run("dpkg --purge cinc", sudo=True)
    wrong = Release("18.8.54", (Package("12", "amd64", f"{mirror.url}/files/cinc.deb", "0" * 64),))
    with pytest.raises(ConvergeError, match="SHA-256"):
        run(config, COOKBOOKS / "everything", EngineChoice("cinc", "for the test", wrong))
    assert config.run("dpkg-query -W cinc", check=False).code != 0


def test_a_container_without_a_way_to_the_mirror_gets_the_package_from_here(config: Connection, mirror: Mirror) -> None:
    # Loopback is this machine for us and the container itself for the container.
    local = Mirror("127.0.0.1")
    local.deb = mirror.deb
    try:
        run(config, COOKBOOKS / "everything", choose_engine("cinc", ask_mirror(local.url)))
    finally:
        local.close()
    assert text(config, "dpkg-query -W -f '${Version}' cinc") == "18.8.54-1"
