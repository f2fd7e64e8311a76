# SPDX-License-Identifier: GPL-2.0-only
"""Evidence of many hosts at once: the answers are those that each would get alone, in the order that was asked for."""

import json
import os
import resource
import shutil
import signal
import subprocess
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

    def start(self, *options, **popen):
        """All of them in their order, as a process."""
        return subprocess.Popen([self.verifier.binary, "verify", *options, "--ak", "keys", "--nonce", NONCE,
                                 *(f"fleet/{name}" for name in NAMES)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)

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
    words = ["complete", "incomplete", "mismatch", "error", "not authentic"]
    assert (answer.status, last) == (status, f"4 lists: {summary}; exit status {status}: {words[status]}")
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
    assert answer.status == 0 and answer.says("^2 lists: 2 complete; exit status 0: complete$")


# ---- Each gets an answer, whatever happens to one

def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_one_that_is_killed_has_an_answer_and_the_others_too(fleet, options):
    # Its process waits for the key
    (fleet.folder / "keys" / "c.pem").unlink()
    os.mkfifo(fleet.folder / "keys" / "c.pem")
    with fleet.start("--jobs", "1", *options) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        while not children(process.pid):
            pass
        os.kill(children(process.pid)[0], signal.SIGKILL)
        rest, errors = process.communicate()
    lines += rest.splitlines()
    assert process.returncode == 3
    assert "fleet/c: its process was terminated by signal 9" in errors
    if options:
        answers = [json.loads(line) for line in lines]
        assert [answer["verdict"] for answer in answers] == ["complete", "complete", "error", "complete"]
        assert answers[2]["log"] == "fleet/c" and "signal 9" in answers[2]["error"]["text"]
    else:
        assert lines[2:] == ["fleet/c: error", "fleet/a: complete", "4 lists: 3 complete, 1 error; exit status 3: error"]


@pytest.mark.check
def test_one_that_is_out_of_memory_has_an_answer_and_the_others_too(fleet):
    # JSON has an interval for each record
    subprocess.run([fleet.verifier.program("write_costly"), fleet.folder / "fleet" / "c", "records", "100000"], check=True)
    with fleet.start("--jobs", "4", "--json",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2 ** 24, 2 ** 24))) as process:
        out, errors = process.communicate()
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["verdict"] for answer in answers] == ["complete", "complete", "error", "complete"], errors
    assert "out of memory" in answers[2]["error"]["text"]


def test_caller_may_ignore_sigchld(fleet):
    with fleet.start("--jobs", "2", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and out.endswith("\n4 lists: 4 complete; exit status 0: complete\n"), errors


def test_few_files_can_be_open(fleet):
    with fleet.start("--jobs", "4", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "4 lists: 4 complete" in out, errors


def test_name_cannot_be_taken_for_another_line(fleet):
    name = "c: complete\nx\x1b[2K\\"
    (fleet.folder / "fleet" / "c").rename(fleet.folder / "fleet" / name)
    (fleet.folder / "keys" / "c.pem").rename(fleet.folder / "keys" / f"{name}.pem")
    answer = fleet.together("--jobs", "1", names=["a", name])
    assert answer.out.splitlines()[:2] == ["fleet/a: complete", r"fleet/c: complete\x0ax\x1b[2K\x5c: complete"]
    (fleet.folder / "fleet" / name / "log").unlink()
    answer = fleet.together("--jobs", "1", names=[name])
    assert len(answer.err.splitlines()) == 1 and r"fleet/c: complete\x0ax" in answer.err


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
