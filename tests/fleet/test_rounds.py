# SPDX-License-Identifier: GPL-2.0-only
"""Rounds of a fleet: verdicts, increments, reboots, silence, and programs that die."""

import os
import shutil
import signal
import time

import pytest

from lab import lists
from lab.fleet import until
from lab.process import stop

pytestmark = pytest.mark.check


def now():
    """A time that no nonce before now is of."""
    return int(time.time()) + 1


def settled(process):
    """Wait until a process has ended."""
    process.wait(timeout=10)


def test_host_is_complete(shared):
    with shared.host("plain") as host:
        shared.start_agent(host, "plain")
        shared.becomes("plain", "complete", entries=9)


def test_list_grows_in_increments(shared):
    with shared.host("grows") as host:
        shared.start_agent(host, "grows")
        shared.becomes("grows", "complete")
        host.measure(40)
        grown = shared.becomes("grows", "complete", now())
        assert grown["entries"] == 46 and grown["anew"] == 0


def test_entry_that_is_missing_is_a_mismatch(shared):
    with shared.host("cut", more=20) as host:
        path = host.ima / "binary_runtime_measurements"
        data = path.read_bytes()
        cut = lists.entries(data)[-3]
        path.write_bytes(data[:cut.start] + data[cut.end:])
        shared.start_agent(host, "cut")
        shared.becomes("cut", "mismatch")


def test_entry_that_goes_missing_later_is_a_mismatch(shared):
    with shared.host("cut-later") as host:
        shared.start_agent(host, "cut-later")
        shared.becomes("cut-later", "complete")
        host.measure(40)
        path = host.ima / "binary_runtime_measurements"
        data = path.read_bytes()
        cut = lists.entries(data)[-3]
        path.write_bytes(data[:cut.start] + data[cut.end:])
        shared.becomes("cut-later", "mismatch", now())


def test_other_key_is_not_authentic(shared):
    with shared.host("theirs") as host:
        shared.start_agent(host, "theirs")
        shared.becomes("theirs", "complete")
        host.must_create_ak("other.pem", "0x81010011", "--ak-alg", "rsa")
        shared.add("theirs", host.folder / "other.pem")
        shared.becomes("theirs", "not authentic")


def test_rebooted_host_starts_anew_and_says_so(shared):
    with shared.host("boots", more=20) as host:
        agent = shared.start_agent(host, "boots")
        before = shared.becomes("boots", "complete")
        stop(agent)
        host.power_cycle()
        host.boot(5)
        shared.start_agent(host, "boots")
        again = shared.becomes("boots", "complete", now())
        assert before["anew"] == 0 and again["anew"] and again["anew_why"]
        assert again["entries"] == before["entries"] - 15


def test_host_without_an_agent_is_silent_until_there_is_one(shared):
    with shared.host("silent") as host:
        shared.becomes("silent", "silent")
        assert shared.history("silent")[-1]["verdict"] == "silent"
        shared.start_agent(host, "silent")
        assert shared.becomes("silent", "complete")["silent_since"] == 0


def test_history_has_each_verdict_once(shared):
    with shared.host("history") as host:
        shared.start_agent(host, "history")
        shared.becomes("history", "complete")
        until(lambda: len(shared.history("history")) >= 3)
        nonces = [result["nonce"] for result in shared.history("history")]
        assert len(nonces) == len(set(nonces))


def test_status_has_the_worst_host_first(shared):
    with shared.host("answers") as host, shared.host("waits"):
        shared.start_agent(host, "answers")
        shared.becomes("answers", "complete")
        shared.becomes("waits", "silent")
        done = shared.fleet("status", shared.folder)
    words = ("mismatch", "not authentic", "error", "silent", "incomplete", "none", "complete")
    order = [next(i for i, word in enumerate(words) if f" {word} " in line) for line in done.out.splitlines()[1:]]
    assert len(order) > 1 and order == sorted(order), done.out


def test_host_that_was_removed_is_gone(shared):
    with shared.host("removed") as host:
        agent = shared.start_agent(host, "removed")
        shared.becomes("removed", "complete")
        assert shared.fleet("remove", shared.folder, "removed").status == 0
        shared.reload()
        stop(agent)
        time.sleep(shared.deadline)
        assert "removed" not in shared.status() and not shared.seed("removed").exists()


def test_two_agents_of_one_host_are_as_good_as_one(shared):
    with shared.host("twice") as host:
        for _ in range(2):
            shared.start_agent(host, "twice")
        shared.becomes("twice", "complete")
        host.measure(30)
        assert shared.becomes("twice", "complete", now())["entries"] == 36


def test_two_verifiers_make_one_verdict_a_round(fleet):
    verifiers = [fleet.start_verifier(f"verifier-{i}") for i in range(2)]
    with fleet.host("one") as host:
        fleet.start_agent(host, "one")
        fleet.becomes("one", "complete")
        until(lambda: len(fleet.history("one")) >= 4)
        results = fleet.history("one")
        assert len({result["nonce"] for result in results}) == len(results)
        assert all(process.poll() is None for process in verifiers)


def test_other_verifiers_go_on_when_one_is_killed(fleet):
    fleet.start_verifier("stays")
    with fleet.host("kept") as host:
        fleet.start_agent(host, "kept")
        for moment in (0.1, 0.7, 1.3, 1.9):
            killed = fleet.start_verifier("killed")
            time.sleep(moment)
            killed.kill()
            settled(killed)
            fleet.becomes("kept", "complete", now(), seconds=4 * fleet.deadline)
        assert {result["verdict"] for result in fleet.history("kept")} <= {"complete", "silent"}


def test_evidence_of_a_verifier_that_stands_still_goes_to_another(fleet):
    first = fleet.start_verifier("first")
    with fleet.host("handed") as host:
        fleet.start_agent(host, "handed")
        fleet.becomes("handed", "complete")
        os.kill(first.pid, signal.SIGSTOP)
        fleet.start_verifier("second")
        fleet.becomes("handed", "complete", now(), seconds=4 * fleet.deadline)


def test_rounds_go_on_after_the_server_was_killed(fleet):
    fleet.start_verifier()
    with fleet.host("stays") as host:
        fleet.start_agent(host, "stays")
        fleet.becomes("stays", "complete")
        fleet.kill_server()
        time.sleep(1)
        fleet.start_server()
        assert fleet.becomes("stays", "complete", now(), seconds=40)["anew"] == 0


def test_server_that_comes_later_is_waited_for(fleet):
    with fleet.host("early") as host:
        fleet.kill_server()
        fleet.start_agent(host, "early")
        time.sleep(1)
        fleet.start_server()
        fleet.start_verifier()
        fleet.becomes("early", "complete")


def test_state_that_was_rolled_back_costs_a_round_at_most(fleet):
    """What the server forgets is verified again; a list that was cut meanwhile does not pass."""
    verifier = fleet.start_verifier()
    with fleet.host("back") as host:
        fleet.start_agent(host, "back")
        fleet.becomes("back", "complete")

        def roll_back(change):
            fleet.kill_server()
            kept = shutil.copytree(fleet.folder / "jetstream", fleet.folder / "kept")
            fleet.start_server()
            change()
            fleet.becomes("back", "complete", now(), seconds=40)
            fleet.kill_server()
            shutil.rmtree(fleet.folder / "jetstream")
            shutil.move(kept, fleet.folder / "jetstream")
            fleet.start_server()

        roll_back(lambda: host.measure(30))
        assert fleet.becomes("back", "complete", now(), seconds=40)["entries"] == 36
        roll_back(lambda: None)
        path = host.ima / "binary_runtime_measurements"
        data = path.read_bytes()
        cut = lists.entries(data)[-3]
        path.write_bytes(data[:cut.start] + data[cut.end:])
        host.extended = 0
        fleet.becomes("back", "mismatch", now(), seconds=40)
        assert verifier.poll() is None
