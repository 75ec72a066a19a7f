"""What goes into a base image, and when another is made."""

from __future__ import annotations

import io
import tarfile

import pytest

from harness.embedded.engine import image, recipe
from harness.kit.errors import UsageError

ONE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
TWO = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"


def test_a_release_has_one_image_and_another_recipe_another():
    assert image.reference("13") == image.reference("13")
    assert image.reference("13") != image.reference("12")
    assert image.reference("13").startswith("proxmox-gitops/debian:13-")


def test_further_authorities_make_another_image(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ONE)
    assert image.reference("13", bundle) != image.reference("13")


def test_each_authority_becomes_a_file_of_its_own():
    with tarfile.open(fileobj=io.BytesIO(image.certificate_files(f"# a comment\n{ONE}\n{TWO}"))) as tar:
        names = tar.getnames()
        first = tar.extractfile(names[0])
        assert first is not None
        assert first.read().decode() == ONE
    assert len(names) == 2
    assert all(name.startswith("usr/local/share/ca-certificates/") and name.endswith(".crt") for name in names)


def test_a_bundle_without_certificates_is_refused(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    with pytest.raises(UsageError, match="holds no certificate"):
        image.read_bundle(bundle)
    with pytest.raises(UsageError, match="cannot be read"):
        image.read_bundle(tmp_path / "missing")


def test_a_release_without_recipe_is_a_usage_error():
    with pytest.raises(UsageError) as error:
        image.ensure_base(None, "11", lambda _line: None)  # type: ignore[arg-type]
    assert error.value.hint == "one of: 12, 13"


def test_the_base_roles_packages_are_left_to_it():
    assert not {"sudo", "locales", "curl", "jq", "unzip", "vim"} & set(recipe.PACKAGES)
    assert {"systemd-sysv", "openssh-server", "dbus", "iproute2", "ca-certificates"} <= set(recipe.PACKAGES)


def test_no_secret_is_the_same_in_every_container():
    assert "rm -f /etc/ssh/ssh_host_*" in recipe.FINISH
    assert ": > /etc/machine-id" in recipe.FINISH
    assert "usermod --password '*' root" in recipe.FINISH


def test_sources_name_the_releases_suites():
    assert "Suites: trixie trixie-updates" in recipe.sources("13")
    assert "Suites: bookworm-security" in recipe.sources("12")
