# SPDX-License-Identifier: GPL-2.0-only
"""What hosts, and the server, may do to others: nothing."""

import hashlib
import json
import time
from contextlib import contextmanager
from types import MappingProxyType

import pytest

from lab.fleet import until
from lab.host import HANDLE
from lab.nats import Client, ServerClosed

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def victim(shared):
    """A host that is well, whatever others do."""
    with shared.host("victim") as host:
        shared.start_agent(host, "victim")
        shared.becomes("victim", "complete")
        yield "victim"


@contextmanager
def intruder(shared, name):
    """A host whose owner has its key, and no agent."""
    with shared.host(name) as host, Client(shared.port, shared.seed(name)) as client:
        client.subscribe(f"imatally.challenge.{name}")
        yield host, client


def is_well(shared, victim):
    shared.becomes(victim, "complete", int(time.time()) + 1)


def next_challenge(client, seconds=20):
    """The next one that is sent, as a dictionary."""
    client.settle()
    seen = len(client.messages)
    for i, message in enumerate(client.received(seconds)):
        if i >= seen:
            return json.loads(message.data)
    raise AssertionError("no challenge")


def collect(host, challenge, out):
    return host.must_collect(out, HANDLE, nonce=challenge["nonce"])


def chunks_of(folder, challenge, size=768 << 10):
    data = (folder / "log").read_bytes()[challenge["offset"]:]
    return [data[i:i + size] for i in range(0, len(data), size)]


def round_of(name, folder, challenge, chunks, changed=MappingProxyType({})):
    return json.dumps({
        "format": "imatally-fleet-round", "version": 1, "host": name, "nonce": challenge["nonce"],
        "evidence": (folder / "manifest.json").read_text(encoding="utf-8"), "offset": challenge["offset"],
        "chunks": [{"size": len(one), "sha256": hashlib.sha256(one).hexdigest()} for one in chunks]} | changed).encode()


# ---- Subjects of others

@pytest.mark.parametrize("subject", ["imatally.evidence.victim", "imatally.parts.victim", "imatally.challenge.victim",
                                     "imatally.result.victim", "$KV.imatally.host.victim", "$JS.API.STREAM.LIST",
                                     "$JS.API.STREAM.DELETE.IMATALLY_RESULTS", "_INBOX.verifier.1"])
def test_host_can_not_publish_for_others(shared, victim, subject):
    with Client(shared.port, shared.seed("victim")) as client:
        client.publish(subject if "victim" not in subject.rpartition(".")[2] else subject.replace("victim", "other"), b"{}")
        assert client.refused(subject.replace("victim", "other") if subject.endswith("victim") else subject)
    is_well(shared, victim)


@pytest.mark.parametrize("subject", ["imatally.challenge.other", "imatally.challenge.*", "imatally.evidence.victim", "imatally.>",
                                     "imatally.result.victim", "$KV.imatally.>", "_INBOX.>", ">"])
def test_host_can_not_read_what_is_not_for_it(shared, victim, subject):
    with Client(shared.port, shared.seed("victim")) as client:
        client.subscribe(subject)
        assert client.refused(subject)


def test_user_that_is_not_known_gets_nowhere(shared, tmp_path):
    key = hashlib.sha256(b"another key").digest()
    seed = shared.seed("victim") if shared.seed("victim").exists() else None
    assert seed or key
    other = tmp_path / "other.seed"
    done = shared.fleet("init", tmp_path / "elsewhere")
    assert done.status == 0
    other = tmp_path / "elsewhere" / "verifier.seed"
    with pytest.raises(ServerClosed), Client(shared.port, other) as client:
        client.settle()


REPLIES = ["$KV.imatally.host.victim", "imatally.evidence.victim", "imatally.parts.victim",
           "$JS.API.STREAM.PURGE.IMATALLY_RESULTS"]


@pytest.mark.parametrize("reply", REPLIES)
def test_server_does_not_answer_to_subjects_of_others(shared, victim, reply):
    """JetStream acknowledges to the subject that a message names for it, whoever may publish there."""
    name = f"confuser-{REPLIES.index(reply)}"
    with intruder(shared, name) as (_host, client):
        for subject in (f"imatally.evidence.{name}", f"imatally.parts.{name}"):
            client.publish(subject, b"x", reply=reply)
            client.publish(subject, b"x" * (900 << 10), reply=reply)
        client.settle()
    assert shared.history(victim)
    is_well(shared, victim)


def test_headers_have_no_effect_on_others(shared, victim):
    with intruder(shared, "headers") as (_host, client):
        for headers in ({"Nats-Rollup": "all"}, {"Nats-Msg-Id": "1"}, {"Nats-Expected-Stream": "X"}):
            client.publish("imatally.evidence.headers", b"{}", headers=headers)
            client.publish("imatally.parts.headers", b"{}", headers=headers)
        client.settle()
    is_well(shared, victim)


# ---- Too much

def test_flood_harms_only_its_sender(shared, victim):
    with intruder(shared, "floods") as (_host, client):
        for i in range(5000):
            client.publish("imatally.evidence.floods", b'{"format": "imatally-fleet-round"}' + b" " * (i % 99))
        for _ in range(400):
            client.publish("imatally.parts.floods", b"x" * 100_000)
        client.settle()
        is_well(shared, victim)
        assert shared.status()["floods"]["verdict"] == "none"


def test_eight_mebibytes_of_noise_are_refused(shared, victim):
    with intruder(shared, "noise") as (_host, client):
        with pytest.raises((ServerClosed, ConnectionError, BrokenPipeError)):
            client.publish("imatally.evidence.noise", bytes(8 << 20))
            client.settle()
    is_well(shared, victim)


# ---- Evidence: double, late, reordered, changed

@contextmanager
def asked(shared, name):
    """An intruder that has collected for a challenge: its host, client, challenge, folder and chunks."""
    with intruder(shared, name) as (host, client):
        challenge = next_challenge(client)
        folder = collect(host, challenge, "evidence")
        yield host, client, challenge, folder, chunks_of(folder, challenge)


def test_chunks_may_come_in_any_order_and_twice(shared):
    with asked(shared, "order") as (_host, client, challenge, folder, _chunks):
        chunks = chunks_of(folder, challenge, 100)
        for one in [*reversed(chunks), *chunks]:
            client.publish("imatally.parts.order", one)
        for _ in range(3):
            client.publish("imatally.evidence.order", round_of("order", folder, challenge, chunks))
        client.settle()
        shared.becomes("order", "complete")
        assert [result["nonce"] for result in shared.history("order")].count(challenge["nonce"]) == 1


def test_round_may_come_before_its_chunks(shared):
    with asked(shared, "before") as (_host, client, challenge, folder, chunks):
        client.publish("imatally.evidence.before", round_of("before", folder, challenge, chunks))
        client.settle()
        time.sleep(0.5)
        for one in chunks:
            client.publish("imatally.parts.before", one)
        client.settle()
        shared.becomes("before", "complete")


@pytest.mark.parametrize("change", ["nonce", "host", "version", "format", "offset", "no-chunks", "chunk", "digest", "evidence",
                                    "not-json"])
def test_round_that_was_changed_is_never_complete(shared, change):
    name = f"changed-{change}"
    with asked(shared, name) as (_host, client, challenge, folder, chunks):
        sent = chunks[:]
        changed = {"nonce": {"nonce": "00" * 32}, "host": {"host": "victim"}, "version": {"version": 2},
                   "format": {"format": "x"}, "offset": {"offset": 7}, "no-chunks": {"chunks": []},
                   "evidence": {"evidence": "{}"}}.get(change, {})
        if change == "chunk":
            sent = [one[:-1] + bytes([one[-1] ^ 1]) for one in chunks]
        if change == "digest":
            changed = {"chunks": [{"size": len(one), "sha256": "00" * 32} for one in chunks]}
        for one in sent:
            client.publish(f"imatally.parts.{name}", one)
        text = round_of(name, folder, challenge, chunks, changed)
        client.publish(f"imatally.evidence.{name}", text[:-2] if change == "not-json" else text)
        client.settle()
        until(lambda: shared.status()[name]["verdict"] in ("error", "not authentic") or shared.status()[name]["silent_since"])
        assert all(result["verdict"] not in ("complete", "complete (not counted)") for result in shared.history(name))


def test_evidence_for_an_old_nonce_is_not_taken(shared):
    with asked(shared, "old") as (_host, client, challenge, folder, chunks):
        until(lambda: shared.status()["old"]["silent_since"])
        for nonce in (challenge["nonce"], next_challenge(client)["nonce"]):
            for one in chunks:
                client.publish("imatally.parts.old", one)
            client.publish("imatally.evidence.old", round_of("old", folder, {**challenge, "nonce": nonce}, chunks))
            client.settle()
        # the second one has a nonce that the TPM has not signed
        shared.becomes("old", "not authentic")
        assert "complete" not in {result["verdict"] for result in shared.history("old")}


def test_nonce_is_used_once(shared):
    with intruder(shared, "nonces") as (host, client):
        seen = []
        for i in range(3):
            challenge = next_challenge(client)
            if challenge["nonce"] in seen:
                continue
            seen.append(challenge["nonce"])
            folder = collect(host, challenge, f"evidence-{i}")
            for one in chunks_of(folder, challenge):
                client.publish("imatally.parts.nonces", one)
            client.publish("imatally.evidence.nonces", round_of("nonces", folder, challenge, chunks_of(folder, challenge)))
            client.settle()
            until(lambda: challenge["nonce"] in [result.get("nonce") for result in shared.history("nonces")])
        assert len(seen) == len(set(seen)) >= 2 and all(len(nonce) == 64 for nonce in seen)


# ---- A server that was taken over

def test_record_that_the_server_made_up_is_not_believed(fleet):
    with fleet.host("forged") as host:
        verifier = fleet.start_verifier()
        fleet.start_agent(host, "forged")
        fleet.becomes("forged", "complete")
        with Client(fleet.port, fleet.folder / "verifier.seed") as client:
            client.publish("$KV.imatally.host.forged", b'{"verdict": "complete"}')
            client.settle()
        done = fleet.fleet("status", fleet.folder, "--json")
        assert done.status == 3 and done.says("not from a verifier of this fleet")
        fleet.add("forged", host.folder / "ak.pem")
        fleet.becomes("forged", "complete", int(time.time()))
        assert verifier.poll() is None


def test_record_of_one_host_is_not_that_of_another(fleet):
    with fleet.host("one") as host, fleet.host("two"):
        fleet.start_verifier()
        fleet.start_agent(host, "one")
        fleet.becomes("one", "complete")
        with Client(fleet.port, fleet.folder / "verifier.seed") as client:
            value = client.request("$JS.API.DIRECT.GET.KV_imatally", b'{"last_by_subj": "$KV.imatally.host.one"}').data
            assert b"hmac-sha256:" in value
            client.publish("$KV.imatally.host.two", value)
            client.settle()
        done = fleet.fleet("status", fleet.folder, "--json")
        assert done.status == 3 and done.says("host.two: what is stored is not from a verifier")


@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'{"nonce": 1}', b'{"nonce": "00", "entry": 0}', bytes(range(256)) * 40])
def test_agent_survives_what_is_not_a_challenge(shared, victim, message):
    with Client(shared.port, shared.folder / "verifier.seed") as client:
        client.publish("imatally.challenge.victim", message)
        client.settle()
    is_well(shared, victim)
