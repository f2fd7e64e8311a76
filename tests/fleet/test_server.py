# SPDX-License-Identifier: GPL-2.0-only
"""The server: whether it is there, and whether it is the right one."""

import base64
import json
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.fleet import Certificate, Fleet
from lab.nats import raw_seed

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


def test_signature_may_begin_with_any_byte(verifier, tmp_path):
    """libnats 3.4 does not send one that begins with a zero byte."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    def connection_of(server, nonce):
        connection, _ = server.accept()
        with connection, connection.makefile("rw", encoding="ascii") as stream:
            stream.write("INFO " + json.dumps({"server_id": "server", "max_payload": 1 << 20, "nonce": nonce}) + "\r\n")
            stream.flush()
            said = json.loads(stream.readline().removeprefix("CONNECT "))
            stream.write("-ERR 'Authorization Violation'\r\n")
        return said

    with ThreadPoolExecutor() as pool, socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        fleet = Fleet(verifier, tmp_path / "fleet")
        fleet.port = server.getsockname()[1]
        assert fleet.fleet("init", fleet.folder, "--listen", f"127.0.0.1:{fleet.port}").status == 0
        seed = (fleet.folder / "verifier.seed").read_text(encoding="utf-8").strip()
        key = Ed25519PrivateKey.from_private_bytes(raw_seed(seed))
        unlucky = next(nonce for nonce in iter(lambda: os.urandom(8).hex(), "") if key.sign(nonce.encode())[0] == 0)
        lucky = next(nonce for nonce in iter(lambda: os.urandom(8).hex(), "") if key.sign(nonce.encode())[0] != 0)
        pool.submit(fleet.fleet, "status", fleet.folder)
        connection_of(server, unlucky)
        signature = connection_of(server, lucky)["sig"]
    assert base64.urlsafe_b64decode(signature + "==") == key.sign(lucky.encode())


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
