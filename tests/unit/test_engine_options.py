"""How systemd containers are started, for every kind of engine a user may have."""

from __future__ import annotations

import pytest

from harness.embedded.engine import options
from harness.embedded.engine.options import EngineFacts

VERSIONS = ("20.10.24+dfsg1", "23.0.6", "24.0.7", "25.0.3", "26.1.5+dfsg1", "27.5.1", "28.2.2")


def facts(version: str = "28.2.2", cgroup: int = 2, *security: str, system: str = "Debian GNU/Linux 13") -> EngineFacts:
    return EngineFacts(version, "overlay2", cgroup, operating_system=system, security=frozenset(security))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("apparmor", [(), ("apparmor",)])
@pytest.mark.parametrize("cgroup", [1, 2])
def test_every_supported_engine_gets_a_writable_cgroup_tree_and_no_more_rights_than_needed(version, apparmor, cgroup):
    security = ("seccomp", *apparmor, *(("cgroupns",) if cgroup == 2 else ()))
    chosen = options.choose(facts(version, cgroup, *security))
    assert chosen.problem is None
    assert chosen.cap_add == ("SYS_ADMIN", "NET_ADMIN")
    assert chosen.cgroupns == "private"
    assert not chosen.host_cgroup
    assert "remount" in chosen.command[-1]
    assert chosen.command[-1].endswith("exec /sbin/init")
    assert ("apparmor=unconfined" in chosen.security_opt) == bool(apparmor)
    assert "seccomp=unconfined" in chosen.security_opt


def test_cgroup_v1_makes_only_systemds_hierarchy_writable_and_lets_debian_13_boot():
    chosen = options.choose(facts("20.10.24", 1, "seccomp"))
    assert "remount,bind,rw /sys/fs/cgroup/systemd" in chosen.command[-1]
    assert chosen.environment["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE"] == "1"


def test_cgroup_v2_remounts_the_private_tree_as_a_whole():
    chosen = options.choose(facts("27.0", 2, "seccomp", "cgroupns"))
    assert "remount,bind,rw /sys/fs/cgroup " in chosen.command[-1]
    assert "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE" not in chosen.environment


def test_cgroup_v2_without_namespaces_mounts_the_hosts_tree():
    chosen = options.choose(facts("20.10.5", 2, "seccomp"))
    assert (chosen.host_cgroup, chosen.cgroupns) == (True, "host")
    assert "remount" not in chosen.command[-1]


def test_security_modules_are_lifted_only_where_they_are():
    assert options.choose(facts("28.0", 2, "cgroupns")).security_opt == ()
    assert options.choose(facts("28.0", 2, "selinux", "cgroupns")).security_opt == ("label=disable",)


def test_a_remapped_engine_is_asked_for_the_hosts_users():
    assert options.choose(facts("28.0", 2, "userns", "cgroupns")).userns_mode == "host"
    assert options.choose(facts("28.0", 2, "cgroupns")).userns_mode is None


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (facts("28.0", 2, "rootless", "cgroupns"), "rootless"),
        (facts("28.0", 2, "cgroupns", system="Docker Desktop"), "Docker Desktop"),
        (facts("19.03.15", 1), "20.10"),
        (facts("unknown", 2), "20.10"),
    ],
)
def test_an_engine_that_cannot_do_it_is_named(wrong, word):
    assert word in str(options.choose(wrong).problem)


def test_every_option_says_why():
    chosen = options.choose(facts("28.0", 1, "seccomp", "apparmor", "userns"))
    assert all(reason.option and reason.why for reason in chosen.reasons)
    told = " ".join(reason.option for reason in chosen.reasons)
    for option in (*chosen.security_opt, *chosen.cap_add, "cgroupns private", "userns host", "LEGACY_FORCE"):
        assert option in told


def test_run_and_tmp_allow_programs_as_on_a_real_host():
    tmpfs = options.choose(facts()).tmpfs
    assert "exec" in tmpfs["/run"].split(",")
    assert "exec" in tmpfs["/tmp"].split(",")


def test_facts_come_from_docker_info():
    info = {
        "ServerVersion": "20.10.24+dfsg1",
        "Driver": "overlay2",
        "CgroupVersion": "1",
        "CgroupDriver": "cgroupfs",
        "SecurityOptions": ["name=seccomp,profile=default", "name=apparmor"],
        "NCPU": 2,
        "MemTotal": 1024,
        "SwapLimit": False,
        "Architecture": "aarch64",
    }
    found = options.read_facts(info)
    assert (found.numbers, found.cgroup_version, found.cpus) == ((20, 10), 1, 2)
    assert found.security == {"seccomp", "apparmor"}
    assert (found.swap_limit, found.memory_limit, found.architecture) == (False, True, "aarch64")


def test_an_engine_that_says_nothing_is_taken_for_an_old_one():
    assert options.choose(options.read_facts({})).problem is not None
