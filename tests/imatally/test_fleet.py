# SPDX-License-Identifier: GPL-2.0-only
"""Evidence of many hosts at once: the answers are those that each would get alone, in the order that was asked for."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.host import NONCE, Host
from lab.verifier import Verifier

pytestmark = pytest.mark.usefixtures("tpm_tools")

# Of two hosts each, and not in the order of the names
NAMES = ["d", "b", "c", "a"]


@dataclass(frozen=True)
class Fleet:
    """A folder with evidence in fleet/NAME and public keys in keys/NAME.pem."""
    verifier: Verifier
    folder: Path

    def alone(self, name):
        return self.verifier.call("verify", "--evidence", f"fleet/{name}", "--ak", f"keys/{name}.pem", "--nonce", NONCE,
                                  "--json", cwd=self.folder)

    def together(self, *options, names=NAMES, keys="keys"):
        return self.verifier.call("verify", *options, "--ak", keys, "--nonce", NONCE,
                                  *(f"fleet/{name}" for name in names), cwd=self.folder)


@pytest.fixture(scope="module")
def template(verifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    (folder / "keys").mkdir()
    for names, banks in (("ad", "sha1,sha256"), ("bc", "sha256")):
        with Host(verifier, tmp_path_factory.mktemp("host"), banks) as host:
            host.must_create_ak("ak.pem")
            host.boot(4)
            host.must_collect("evidence")
            for name in names:
                shutil.copytree(host.folder / "evidence", folder / "fleet" / name)
                shutil.copy(host.folder / "ak.pem", folder / "keys" / f"{name}.pem")
    return folder


@pytest.fixture
def fleet(verifier, template, tmp_path):
    return Fleet(verifier, shutil.copytree(template, tmp_path / "fleet"))


# ---- What may be wrong with one

def nothing(_folder):
    pass


def edited(folder):
    log = folder / "fleet" / "c" / "log"
    log.write_bytes(log.read_bytes().replace(b"file2", b"filE2"))


def without_a_list(folder):
    (folder / "fleet" / "c" / "log").unlink()


def with_another_key(folder):
    without_a_list(folder)
    shutil.copy(folder / "keys" / "b.pem", folder / "keys" / "d.pem")


@pytest.fixture(params=[(nothing, 0, "4 complete"), (edited, 2, "3 complete, 1 mismatch"),
                        (without_a_list, 3, "3 complete, 1 error"),
                        (with_another_key, 4, "2 complete, 1 error, 1 not authentic")],
                ids=["all complete", "one edited", "one without a list", "one with another key"])
def damaged(request, fleet):
    """The fleet, and the status and summary that it gets."""
    damage, status, summary = request.param
    damage(fleet.folder)
    return fleet, status, summary


@pytest.mark.parametrize("jobs", ["1", "3", "0"])
def test_summary_and_order(damaged, jobs):
    fleet, status, summary = damaged
    answer = fleet.together("--jobs", jobs)
    *each, last = answer.out.splitlines()
    assert (answer.status, last) == (status, f"4 lists: {summary}")
    assert [line.partition(":")[0] for line in each] == [f"fleet/{name}" for name in NAMES]


@pytest.mark.parametrize("jobs", ["1", "3", "0"])
def test_answers_are_those_of_each_alone(damaged, jobs):
    def answer(line):
        found = json.loads(line)
        # Alone it is the name of the list, together that of the folder
        found.pop("log", None)
        return found

    fleet, status, _ = damaged
    alone = [fleet.alone(name) for name in NAMES]
    assert max(found.status for found in alone) == status
    together = fleet.together("--jobs", jobs, "--json")
    assert together.status == status
    assert [answer(line) for line in together.out.splitlines()] == [answer(found.out) for found in alone]


def test_one_key_for_all(fleet):
    answer = fleet.together("--jobs", "2", names=["a", "d"], keys="keys/a.pem")
    assert answer.status == 0 and answer.says("^2 lists: 2 complete$")


# ---- Each goes on from a state of its own

@pytest.fixture
def with_states(fleet):
    """What is said of a fleet in which one has no list, the first time and the second."""
    without_a_list(fleet.folder)
    (fleet.folder / "states").mkdir()
    return [fleet.together("--jobs", "2", "--json", "--state", "states") for _ in range(2)]


def test_each_goes_on_from_its_own_state(with_states):
    first, second = ([json.loads(line) for line in answer.out.splitlines()] for answer in with_states)
    assert [answer.status for answer in with_states] == [3, 3]
    assert [line["verdict"] for line in first] == ["complete", "complete", "error", "complete"]
    assert [(line["resumption"], line["resumed"]) for line in second if line["verdict"] == "complete"] == \
        [("resumed", 10)] * 3


def test_there_is_no_state_of_what_is_in_error(with_states, fleet):
    assert sorted(path.name for path in (fleet.folder / "states").iterdir()) == ["a", "b", "d"]
