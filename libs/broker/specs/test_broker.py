"""The broker container: MQTT for those who know the password, over TCP and over websockets."""

import base64
import hashlib
import http.client

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from harness.kit.secret import Secret
from harness.verify import checks
from harness.verify.container import SpecContainer

PASSWORDS = "/etc/mosquitto/passwords"
MQTT, WEBSOCKETS = 1883, 9001
NOT_AUTHORISED = 5  # CONNACK return code, MQTT 3.1.1, section 3.2.2.3

# mosquitto_rr subscribes, publishes once that is acknowledged, and prints what comes back. Clients of mosquitto read
# options from ~/.config, which keeps the password out of sight of other users.
ROUND_TRIP = """
set -e
umask 077
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
mkdir "$HOME/.config"
cat >"$HOME/.config/mosquitto_rr"
mosquitto_rr -V mqttv311 -h %s -p %s -t gitops/specs -e gitops/specs -m %s -W 10
"""


def say_hello(host: Host, container: SpecContainer, password: Secret, message: str = "hello") -> CommandResult:
    """Publish ``message`` with the login and ``password`` and hear it again."""
    options = f"--username {container.login}\n--pw {password.reveal()}\n"
    return container.feed(host, options, ROUND_TRIP, container.ip, str(MQTT), message)


def test_what_is_published_reaches_the_subscriber(host: Host, container: SpecContainer) -> None:
    heard = say_hello(host, container, container.password, "hello from the specs")
    assert heard.succeeded, heard.stderr
    assert heard.stdout == "hello from the specs\n"


def test_a_wrong_password_is_refused(host: Host, container: SpecContainer) -> None:
    refused = say_hello(host, container, Secret("not-the-password"))
    assert refused.rc == NOT_AUTHORISED
    assert "hello" not in refused.stdout


def test_nobody_publishes_without_a_login(host: Host, container: SpecContainer) -> None:
    anonymous = host.run("mosquitto_pub -V mqttv311 -h %s -p %s -t gitops/specs -m hello", container.ip, str(MQTT))
    assert anonymous.rc == NOT_AUTHORISED
    assert "not authorised" in anonymous.stderr.lower()


def test_nobody_listens_without_a_login(host: Host, container: SpecContainer) -> None:
    command = "mosquitto_sub -V mqttv311 -h %s -p %s -t '#' -C 1 -W 5"
    assert host.run(command, container.ip, str(MQTT)).rc == NOT_AUTHORISED


@pytest.fixture(scope="module")
def upgrade(container: SpecContainer) -> http.client.HTTPResponse:
    """The answer to a browser that asks for MQTT over a websocket, from outside the container (RFC 6455, 4.1)."""
    connection = http.client.HTTPConnection(container.ip, WEBSOCKETS, timeout=10)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "mqtt",
    }
    connection.request("GET", "/mqtt", headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer


def test_browsers_get_a_websocket(upgrade: http.client.HTTPResponse) -> None:
    assert upgrade.status == 101
    assert (upgrade.getheader("Upgrade") or "").lower() == "websocket"
    assert upgrade.getheader("Sec-WebSocket-Protocol") == "mqtt"


def test_the_websocket_is_meant_for_the_one_who_asked(upgrade: http.client.HTTPResponse) -> None:
    proof = hashlib.sha1(b"dGhlIHNhbXBsZSBub25jZQ==" + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert upgrade.getheader("Sec-WebSocket-Accept") == base64.b64encode(proof).decode()


def test_mosquitto_runs_and_comes_back_after_a_reboot(host: Host) -> None:
    mosquitto = host.service("mosquitto")
    assert mosquitto.is_running
    assert mosquitto.is_enabled


@pytest.mark.parametrize("port", [MQTT, WEBSOCKETS])
def test_both_ports_listen_where_the_neighbours_look(host: Host, container: SpecContainer, port: int) -> None:
    assert checks.listens(host, container.ip, port)


def test_the_broker_does_not_run_as_root(host: Host) -> None:
    assert host.check_output("ps -C mosquitto -o user= | sort -u") == "mosquitto"


def test_passwords_are_for_the_broker_alone(host: Host) -> None:
    passwords = host.file(PASSWORDS)
    assert (passwords.user, passwords.group) == ("root", "mosquitto")
    assert passwords.mode == 0o640


def test_passwords_are_kept_as_hashes(host: Host, container: SpecContainer) -> None:
    users = host.check_output("cut -d: -f1 %s", PASSWORDS).split()
    assert users == [container.login]
    assert not checks.mentions(host, container.password, PASSWORDS)


def test_the_container_has_its_name(host: Host, container: SpecContainer) -> None:
    assert host.check_output("hostname") == container.hostname


def test_nobody_logs_in_as_root_or_with_a_password(host: Host) -> None:
    sshd = checks.sshd_settings(host)
    assert sshd["permitrootlogin"] == "no"
    assert sshd["passwordauthentication"] == "no"
    assert sshd["kbdinteractiveauthentication"] == "no"


def test_the_password_lies_in_no_file_that_others_can_read(host: Host, container: SpecContainer) -> None:
    assert checks.files_that_tell(host, container.password) == []
