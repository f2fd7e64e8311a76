# SPDX-License-Identifier: GPL-2.0-only
"""
Figures for monitoring: Prometheus' own parsers read them, of both text formats, and they are those of the answers.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab.host import NONCE, Host
from lab.verifier import VECTORS

pytest.importorskip("prometheus_client", reason="python3-prometheus-client is not installed")

VERDICTS = {"complete": "kexec-complete", "complete_not_counted": "no-records", "incomplete": "kexec-overflow",
            "mismatch": "extended-by-others"}


def read(path: Path) -> dict[str, float]:
    """Figures by their names, and numbers of lists by their verdicts. Both formats say the same."""
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as openmetrics

    text = path.read_text(encoding="utf-8")
    families = list(openmetrics.text_string_to_metric_families(text))
    for family in families:
        assert family.type == "gauge" and family.documentation.endswith(".")
    samples = [sample for family in families for sample in family.samples]
    assert samples == [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
    return {sample.labels.get("verdict", sample.name.removeprefix("imatally_")): sample.value for sample in samples}


@pytest.fixture
def verify(verifier, tmp_path):
    """Verify with options, in a folder of its own; returns the answer and the figures."""
    def verify(*options, **popen):
        answer = verifier.call("verify", *options, "--metrics", "m.prom", cwd=tmp_path, **popen)
        return answer, read(tmp_path / "m.prom")
    return verify


# ---- Of one list

@pytest.mark.parametrize("verdict", VERDICTS)
def test_figures_of_a_list_are_those_of_the_answer(verify, verdict):
    given = VECTORS / VERDICTS[verdict]
    answer, found = verify(given / "list", "--pcrs", given / "pcrs", "--json")
    lists = {name: found[name] for name in (*VERDICTS, "not_authentic", "error")}
    assert answer.json["verdict"] == verdict and lists == {name: name == verdict for name in lists}
    complete, certain = verdict.startswith("complete"), verdict != "mismatch"
    assert found["entries_verified"] == complete * (answer.json["entries"] - answer.json["tail"])
    for name, member in (("entries_lost", "lost"), ("measurements_dropped", "dropped"), ("extends_failed", "failed")):
        assert found[name] == certain * answer.json[member]


def test_entries_after_the_values_are_not_verified(verify):
    given = VECTORS / "two-kernels"
    answer, found = verify(given / "list", "--pcrs", given / "pcrs", "--json")
    assert answer.json["tail"] == 1 and found["entries_verified"] == answer.json["entries"] - 1


def test_findings_are_counted(verify):
    given = VECTORS / "unexplained"
    assert verify(given / "list", "--pcrs", given / "pcrs")[1]["lists_with_findings"] == 1


def test_list_that_cannot_be_read_is_an_error(verify, tmp_path):
    answer, found = verify(tmp_path / "none", "--pcrs", VECTORS / "no-records" / "pcrs")
    assert (answer.status, found["error"], found["complete"]) == (3, 1, 0)


def test_time_is_that_of_the_run(verify):
    given = VECTORS / "no-records"
    before = int(time.time())
    _, found = verify(given / "list", "--pcrs", given / "pcrs")
    assert before <= found["verified_timestamp_seconds"] <= time.time()
    assert "oldest_evidence_timestamp_seconds" not in found


def test_older_figures_are_kept_if_the_options_are_wrong(verifier, tmp_path):
    (tmp_path / "m.prom").write_text("older", encoding="ascii")
    answer = verifier.call("verify", "--metrics", "m.prom", "--no-option", cwd=tmp_path)
    assert answer.status == 3 and (tmp_path / "m.prom").read_text(encoding="ascii") == "older"


def test_figures_that_cannot_be_written_are_an_error(verifier, tmp_path):
    given = VECTORS / "no-records"
    answer = verifier.call("verify", given / "list", "--pcrs", given / "pcrs", "--metrics", "none/m.prom", cwd=tmp_path)
    assert answer.status == 3 and answer.says("none/m.prom: No such file or directory")


# ---- Of a fleet

def folders(path: Path, *vectors: str) -> list[Path]:
    """Folders as --jobs takes them, each with the list of a vector."""
    found = []
    for number, name in enumerate(vectors):
        folder = path / f"host{number}"
        folder.mkdir()
        shutil.copy(VECTORS / name / "list", folder / "log")
        shutil.copy(VECTORS / name / "pcrs", folder / "pcrs")
        found.append(folder)
    return found


@pytest.fixture
def fleet(tmp_path):
    """Lists of every verdict, two of which are complete and of one of which nothing is there."""
    found = folders(tmp_path, *VERDICTS.values(), VERDICTS["complete"])
    (tmp_path / "gone").mkdir()
    return [*found, tmp_path / "gone"]


@pytest.mark.parametrize("jobs", ["1", "3", "0"])
def test_figures_of_a_fleet_are_sums(verify, fleet, jobs):
    answer, found = verify("--jobs", jobs, "--json", *fleet)
    answers = [json.loads(line) for line in answer.out.splitlines()]
    assert {name: found[name] for name in (*VERDICTS, "not_authentic", "error")} == {
        "complete": 2, "complete_not_counted": 1, "incomplete": 1, "mismatch": 1, "not_authentic": 0, "error": 1}
    assert found["entries_verified"] == sum(one["entries"] - one["tail"] for one in answers
                                            if one["verdict"].startswith("complete"))
    assert found["entries_lost"] == 133


def test_no_label_names_a_host(verify, fleet, tmp_path):
    verify("--jobs", "0", *fleet)
    assert "host" not in (tmp_path / "m.prom").read_text(encoding="utf-8")


def test_figures_of_a_fleet_that_cannot_be_written_are_an_error(verifier, fleet, tmp_path):
    answer = verifier.call("verify", "--jobs", "0", fleet[0], "--metrics", "none/m.prom", cwd=tmp_path)
    assert answer.status == 3 and answer.out.endswith("1 list: 1 complete; exit status 3: error\n")


def test_folder_that_is_named_twice_counts_twice(verify, fleet):
    assert verify("--jobs", "0", fleet[0], fleet[0])[1]["complete"] == 2


@pytest.mark.timeout(60)
def test_one_that_is_killed_is_an_error(verifier, fleet, tmp_path):
    # Its process waits for the key
    (tmp_path / "keys").mkdir()
    os.mkfifo(tmp_path / "keys" / "host0.pem")
    with subprocess.Popen([verifier.binary, "verify", "--jobs", "1", "--ak", "keys", "--nonce", NONCE, "--metrics", "m.prom",
                           fleet[0]], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text(encoding="ascii"):
            pass
        os.kill(int(children.read_text(encoding="ascii")), signal.SIGKILL)
        process.communicate()
    assert process.returncode == 3 and read(tmp_path / "m.prom")["error"] == 1


# ---- How old the evidence is

def test_oldest_is_that_which_arrived_first(verify, tmp_path):
    first, second = folders(tmp_path, "no-records", "no-records")
    # What it says of its own time does not matter
    os.utime(first / "pcrs", (1, 1))
    changed = (first / "pcrs").stat().st_ctime
    time.sleep(1.1)
    os.utime(second / "pcrs", (1, 1))
    assert verify("--jobs", "0", second, first)[1]["oldest_evidence_timestamp_seconds"] == int(changed)


@pytest.fixture(scope="module")
def host(verifier, tpm_tools, tmp_path_factory):
    with Host(verifier, tmp_path_factory.mktemp("host")) as found:
        found.must_create_ak("ak.pem")
        found.boot()
        found.must_collect("evidence")
        yield found


@pytest.mark.parametrize("jobs", [False, True], ids=["one", "many"])
def test_evidence_has_the_time_of_its_manifest(verify, host, jobs):
    evidence = host.folder / "evidence"
    which = ("--jobs", "1", evidence) if jobs else ("--evidence", evidence)
    _, found = verify(*which, "--ak", host.folder / "ak.pem", "--nonce", NONCE)
    assert found["oldest_evidence_timestamp_seconds"] == int((evidence / "manifest.json").stat().st_ctime)


def test_evidence_that_is_not_authentic_is_counted(verify, host):
    answer, found = verify("--evidence", host.folder / "evidence", "--ak", host.folder / "ak.pem", "--nonce", "ff" + NONCE)
    assert (answer.status, found["not_authentic"], found["complete"]) == (4, 1, 0)


# ---- The linter of Prometheus

@pytest.fixture(scope="session")
def promtool(tmp_path_factory):
    """The program, not installed: its package starts a server."""
    if installed := shutil.which("promtool"):
        return installed
    folder = tmp_path_factory.mktemp("prometheus")
    done = subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "prometheus"], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package prometheus cannot be had: {done.stdout.strip()[-200:]}")
    package, = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder / "usr" / "bin" / "promtool"


@pytest.mark.full
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_promtool_has_nothing_to_say(verify, promtool, tmp_path, many):
    folder, = folders(tmp_path, "kexec-overflow")
    verify(*(("--jobs", "1", folder) if many else (folder / "log", "--pcrs", folder / "pcrs")))
    done = subprocess.run([promtool, "check", "metrics"], input=(tmp_path / "m.prom").read_bytes(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
