# SPDX-License-Identifier: GPL-2.0-only
"""The server: whether it is there, and whether it is the right one."""

import subprocess

import pytest

from lab.fleet import Certificate, Fleet

pytestmark = pytest.mark.check


def test_rounds_are_made_over_tls(verifier, tmp_path):
    with Fleet(verifier, tmp_path / "fleet", tls=Certificate.new(tmp_path, "IP:127.0.0.1")) as fleet:
        fleet.start_verifier()
        with fleet.host("tls") as host:
            fleet.start_agent(host, "tls")
            fleet.becomes("tls", "complete")
            assert fleet.fleet("status", fleet.folder).status == 0


@pytest.mark.parametrize("name, other", [("DNS:example.org", False), ("IP:127.0.0.1", True)], ids=["name", "authority"])
def test_server_that_is_not_the_right_one_gets_nothing(verifier, tmp_path, name, other):
    """The certificate has another name, or is another one than the agent's."""
    with Fleet(verifier, tmp_path / "fleet", tls=Certificate.new(tmp_path, name)) as fleet:
        if other:
            (tmp_path / "other").mkdir()
            (fleet.folder / "ca.pem").write_bytes(Certificate.new(tmp_path / "other", "IP:127.0.0.1").pem.read_bytes())
        done = fleet.fleet("status", fleet.folder)
        assert done.status == 3 and done.says(f"^imatally: {fleet.url}: "), done.text


def test_host_must_use_tls_if_the_server_does(verifier, tmp_path):
    with Fleet(verifier, tmp_path / "fleet", tls=Certificate.new(tmp_path, "IP:127.0.0.1")) as fleet:
        (fleet.folder / "url").write_text(f"nats://127.0.0.1:{fleet.port}\n", encoding="utf-8")
        (fleet.folder / "ca.pem").unlink()
        assert fleet.fleet("status", fleet.folder).status == 3


def test_server_that_is_not_there_is_named(fleet):
    fleet.kill_server()
    done = fleet.fleet("status", fleet.folder)
    assert done.status == 3 and done.says(f"^imatally: {fleet.url}: No server available")


def test_other_machines_are_not_served_without_tls(verifier, tmp_path):
    done = Fleet(verifier, tmp_path / "fleet").fleet("init", tmp_path / "fleet", "--listen", "0.0.0.0:4222")
    assert done.status == 3 and done.says("others could read evidence: use TLS")
    assert not (tmp_path / "fleet").exists()


def test_fleet_is_a_command_of_imatally(fleet):
    done = fleet.verifier.call("fleet", "status", fleet.folder)
    assert done.status == 0 and done.says("^HOST +STATUS"), done.text


def test_verifier_needs_a_fleet(verifier, tmp_path):
    program = verifier.binary.with_name("imatally-verifier")
    done = subprocess.run([program, "--fleet", tmp_path / "none"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 3 and "none/url: No such file or directory" in done.stderr


def test_only_the_own_files_are_read(fleet):
    """Secrets are for their owner alone."""
    for path in [fleet.folder, fleet.folder / "verifier.seed", fleet.folder / "seal.key"]:
        assert path.stat().st_mode & 0o077 == 0
