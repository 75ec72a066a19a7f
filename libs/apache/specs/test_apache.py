"""The apache container: a page that greets the login, served by Apache on port 80."""

import pytest
from testinfra.host import Host

from harness.verify import checks
from harness.verify.container import SpecContainer

PAGE = "/var/www/html/index.html"


@pytest.fixture(scope="module")
def answer(host: Host, container: SpecContainer) -> tuple[str, str]:
    """The start page as a neighbour gets it: body, and status with content type."""
    command = "curl --silent --show-error --max-time 10 --write-out '\n%%{http_code} %%{content_type}' %s"
    body, _, status = host.check_output(command, f"http://{container.ip}/").rpartition("\n")
    return body, status


def test_the_page_greets_the_login(answer: tuple[str, str], container: SpecContainer) -> None:
    body, _ = answer
    assert body == f"<h1>Hello from {container.login}</h1>"


def test_the_page_is_served_as_html(answer: tuple[str, str]) -> None:
    _, status = answer
    assert status.startswith("200 text/html")


def test_what_is_not_there_is_not_found(host: Host, container: SpecContainer) -> None:
    url = f"http://{container.ip}/no-such-page"
    assert host.check_output("curl -s -o /dev/null -w '%%{http_code}' %s", url) == "404"


def test_apache_is_installed_from_debian(host: Host) -> None:
    assert host.package("apache2").is_installed


def test_apache_runs_and_comes_back_after_a_reboot(host: Host) -> None:
    apache = host.service("apache2")
    assert apache.is_running
    assert apache.is_enabled


def test_apache_listens_where_the_neighbours_look(host: Host, container: SpecContainer) -> None:
    assert checks.listens(host, container.ip, 80)


def test_the_configuration_is_valid(host: Host) -> None:
    assert host.run("apache2ctl configtest").succeeded


def test_requests_are_not_answered_as_root(host: Host) -> None:
    owners = host.check_output("ps -C apache2 -o user= | sort -u").split()
    assert "www-data" in owners


def test_the_page_belongs_to_app_and_is_for_everyone_to_read(host: Host) -> None:
    page = host.file(PAGE)
    assert (page.user, page.group) == ("app", "config")
    assert page.mode == 0o644


def test_the_container_has_its_name(host: Host, container: SpecContainer) -> None:
    assert host.check_output("hostname") == container.hostname


def test_every_container_has_the_same_users(host: Host) -> None:
    assert host.user("app").home == "/app"
    assert "config" in host.user("app").groups
    assert host.user("config").exists


def test_nobody_logs_in_as_root_or_with_a_password(host: Host) -> None:
    sshd = checks.sshd_settings(host)
    assert sshd["permitrootlogin"] == "no"
    assert sshd["passwordauthentication"] == "no"
    assert sshd["kbdinteractiveauthentication"] == "no"


def test_keys_are_kept_where_their_owners_cannot_change_them(host: Host) -> None:
    assert checks.sshd_settings(host)["authorizedkeysfile"] == "/etc/ssh/authorized_keys/%u"
    keys = host.file("/etc/ssh/authorized_keys/config")
    assert keys.user == "root"
    assert not keys.mode & 0o022


def test_the_password_lies_in_no_file_that_others_can_read(host: Host, container: SpecContainer) -> None:
    assert checks.files_that_tell(host, container.password) == []
