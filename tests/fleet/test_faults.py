# SPDX-License-Identifier: GPL-2.0-only
"""Programs of a fleet that are killed or stand still, at random moments: no verdict is wrong, and none stays away."""

import contextlib
import os
import random
import signal
import time

import pytest

from lab import lists
from lab.fleet import Fleet
from lab.process import stop

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]

FAULTS = 20
# The more seeds, the more moments
SEEDS = range(int(os.environ.get("FLEET_SEEDS", "2")))
# Verdicts of hosts, by name: whether or not a round comes through, there are no others
ALLOWED = {"well": {"complete", "silent"}, "grows": {"complete", "silent"}, "cut": {"mismatch", "silent"}}


class Chaos:
    """A fleet with two verifiers and three hosts: one stands still, one measures on, and one had its list cut."""

    def __init__(self, fleet: Fleet, seed: int, stack: contextlib.ExitStack):
        self.fleet, self.draw = fleet, random.Random(seed)
        self.hosts = {name: stack.enter_context(fleet.host(name)) for name in ALLOWED}
        path = self.hosts["cut"].ima / "binary_runtime_measurements"
        data = path.read_bytes()
        last = lists.entries(data)[-2]
        path.write_bytes(data[:last.start] + data[last.end:])
        self.measured = 3
        self.verifiers = [fleet.start_verifier(f"verifier{i}") for i in range(2)]
        self.agents = {name: fleet.start_agent(host, name) for name, host in self.hosts.items()}
        # Where their history ends: results are checked once, since only the last 100 are kept
        self.seen: dict[str, int] = {}

    def kill_verifier(self) -> str:
        nr = self.draw.randrange(2)
        stop(self.verifiers[nr])
        self.pause()
        self.verifiers[nr] = self.fleet.start_verifier(f"verifier{nr}")
        return f"verifier {nr} was killed"

    def kill_agent(self) -> str:
        name = self.draw.choice(list(self.agents))
        stop(self.agents[name])
        self.pause()
        self.agents[name] = self.fleet.start_agent(self.hosts[name], name)
        return f"the agent of {name} was killed"

    def kill_server(self) -> str:
        self.fleet.kill_server()
        self.pause()
        self.fleet.start_server()
        return "the server was killed"

    def stall_server(self) -> str:
        return self.stall(self.fleet.server, "the server")

    def stall_verifier(self) -> str:
        return self.stall(self.draw.choice(self.verifiers), "a verifier")

    def stall(self, process, what: str) -> str:
        process.send_signal(signal.SIGSTOP)
        self.pause(1.5 * self.fleet.deadline)
        process.send_signal(signal.SIGCONT)
        return f"{what} stood still"

    def pause(self, most: float = 2) -> None:
        time.sleep(self.draw.uniform(0, most))

    def measure(self) -> None:
        self.measured += self.draw.randrange(12)
        self.hosts["grows"].measure(self.measured)

    def check(self, after: str) -> None:
        """All verdicts since the last look are among those that are allowed."""
        for name, allowed in ALLOWED.items():
            for result in self.fleet.history(name):
                if result["time"] >= self.seen.get(name, 0):
                    assert result["verdict"] in allowed, f"{name}: {result} after {after}\n{self.fleet.logs()}"
                    self.seen[name] = result["time"]

    def settle(self, after: str) -> None:
        """Each host has a verdict of a new round, in no more than a few deadlines on a busy machine."""
        since = time.time()
        for name, word in (("well", "complete"), ("grows", "complete"), ("cut", "mismatch")):
            try:
                self.fleet.becomes(name, word, since, 10 * self.fleet.deadline)
            except AssertionError as error:
                raise AssertionError(f"after {after}: {error}") from None


@pytest.mark.parametrize("seed", SEEDS)
def test_no_verdict_is_wrong_and_none_stays_away(verifier, tmp_path, seed):
    with Fleet(verifier, tmp_path / "fleet", interval=1, deadline=10) as fleet, contextlib.ExitStack() as stack:
        chaos = Chaos(fleet, seed, stack)
        chaos.settle("the start")
        faults = [chaos.kill_verifier, chaos.kill_agent, chaos.kill_server, chaos.stall_server, chaos.stall_verifier]
        for _ in range(FAULTS):
            chaos.measure()
            chaos.pause()
            after = chaos.draw.choice(faults)()
            chaos.check(after)
            if chaos.draw.randrange(4) == 0:
                chaos.settle(after)
        chaos.settle("the last fault")
        chaos.check("the last fault")
        assert chaos.fleet.status()["grows"]["entries"] == 6 + chaos.measured
