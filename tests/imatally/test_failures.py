# SPDX-License-Identifier: GPL-2.0-only
"""
Memory and disks that fail, at each call in turn (tests/fail_call.c): an error and status 3, or the answer as without.

No file is left that is only half there, and what "watch --keep" has copied stays good.
"""

import base64
import errno
import itertools
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from lab import lists
from lab.ca import openssl
from lab.host import NONCE, Host
from lab.verifier import VECTORS, Answer
from model import entries

# The sanitizers have an allocator of their own
pytestmark = pytest.mark.quick

CUT = VECTORS / "kexec-overflow"
DISK = ["fopen", "open", "fdopen", "tmpfile", "mkostemp", "fchmod", "fsync", "rename", "fseeko", "opendir", "fork", "dup2", "fflush"]
KEEPING = ["mkdir", "open", "openat", "fdopen", "fopen", "opendir", "readdir", "fstatat", "flock", "write", "fsync", "fdatasync",
           "ftruncate", "unlinkat"]


class Failing:
    """Runs the command, and has one of its calls fail."""

    def __init__(self, verifier, folder: Path):
        self.verifier, self.told = verifier, folder / "told"

    def environment(self, call: str, number: int | str):
        self.told.unlink(missing_ok=True)
        return {**os.environ, "LD_PRELOAD": str(self.verifier.program("fail_call.so")), "FAIL_CALL": f"{call}:{number}",
                "FAIL_TOLD": str(self.told)}

    def each(self, call: str, run):
        """What @run returns with the environment in which each call fails in turn, as long as there is one."""
        for number in itertools.count(1):
            found = run(self.environment(call, number))
            if not self.told.exists():
                assert number < 1000
                return
            yield number, found


@pytest.fixture
def failing(verifier, tmp_path):
    return Failing(verifier, tmp_path)


def is_error(answer: Answer, usual: Answer):
    """A message, and no other verdict. The usual answer may come before, if a file could not be written."""
    if answer.status != 3 or "imatally: " not in answer.err:
        return False
    if not answer.out.startswith("{"):
        return usual.out.startswith(answer.out)
    # A line that is cut, or one that says so
    *lines, last = answer.out.splitlines(keepends=True)
    return usual.out.startswith("".join(lines)) and (
        usual.out.startswith(answer.out) or not last.endswith("\n") or "error" in json.loads(last))


# ---- verify and show

class Folder:
    """A list and what may be asked about it; each run begins with the same files."""

    def __init__(self, verifier, path: Path):
        self.verifier, self.path = verifier, path
        kept = path / "kept"
        kept.mkdir()
        (kept / "0000000001-0000000001").write_bytes((CUT / "list").read_bytes())
        for name in ("a", "b"):
            (path / name).mkdir()
            (path / name / "log").write_bytes((CUT / "list").read_bytes())
            (path / name / "pcrs").write_bytes((CUT / "pcrs").read_bytes())
        self.arguments = {
            "text": ["verify", CUT / "list", "--pcrs", CUT / "pcrs"],
            "json": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--json"],
            "parts": ["verify", path / "first", path / "second", "--pcr", f"sha256:{path / 'value'}"],
            "page": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--html", path / "page"],
            "ear": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--ear", path / "ear", "--ear-unsigned"],
            "signed ear": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--ear", path / "ear", "--ear-key", path / "key"],
            "metrics": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--metrics", path / "metrics"],
            "state": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--state", path / "state"],
            "with": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--with", kept],
            "with a file": ["verify", CUT / "list", "--pcrs", CUT / "pcrs", "--with", CUT / "list"],
            "jobs": ["verify", "--jobs", "1", path / "a", path / "b"],
            "jobs with metrics": ["verify", "--jobs", "2", path / "a", path / "b", "--metrics", path / "metrics"],
            "jobs with states": ["verify", "--jobs", "2", path / "a", path / "b", "--state", path / "kept"],
            "show": ["show", CUT / "list"],
            "show as json": ["show", CUT / "list", "--json"],
        }
        openssl("genpkey", "-algorithm", "ED25519", "-out", path / "key")
        data = (CUT / "list").read_bytes()
        tenth = lists.entries(data)[10].start
        (path / "first").write_bytes(data[:tenth])
        (path / "second").write_bytes(data[tenth:])
        lines = (CUT / "pcrs").read_text(encoding="ascii").partition("sha256:")[2].splitlines()
        (path / "value").write_text([line for line in lines if line.split(":")[0].strip() == "10"][0].partition(":")[2],
                                    encoding="ascii")

    def run(self, way: str, environment=None) -> Answer:
        for name in ("page", "ear", "metrics", "state", "kept/a", "kept/b"):
            (self.path / name).unlink(missing_ok=True)
        return self.verifier.call(*self.arguments[way], env=environment)

    def files(self):
        """The names of those that it writes, and what is in them but for the time."""
        found = {path.name: path.read_text(encoding="utf-8") for path in (*self.path.iterdir(), *(self.path / "kept").iterdir())
                 if path.name.split(".")[0] in ("page", "ear", "metrics", "state", "a", "b") and path.is_file()}
        if "page" in found:
            found["page"] = found["page"].rpartition("imatally 0.1 at")[0]
        if "metrics" in found:
            found["metrics"] = re.sub("seconds [0-9]+", "seconds", found["metrics"])
        if "ear" in found:
            header, payload, _ = found["ear"].split(".")
            found["ear"] = header + re.sub('"iat":[0-9]+', "", base64.urlsafe_b64decode(payload + "==").decode())
        return found


@pytest.fixture
def folder(verifier, tmp_path):
    return Folder(verifier, tmp_path)


WAYS = ["text", "json", "parts", "page", "ear", "signed ear", "metrics", "state", "with", "with a file", "jobs",
        "jobs with metrics", "jobs with states", "show", "show as json"]
# In files that are written for an error too
SAYS_ERROR = {"page": "no verdict: an error", "ear": '"verdict":"error"', "metrics": r'verdict="error"} [12]$'}


@pytest.mark.parametrize("call", ["memory", *DISK])
@pytest.mark.parametrize("way", WAYS)
def test_answer(folder, failing, way, call):
    usual = folder.run(way)
    assert usual.status < 3, usual.text
    written = folder.files()
    for number, answer in failing.each(call, lambda environment: folder.run(way, environment)):
        same = (answer.status, answer.out) == (usual.status, usual.out)
        if way.startswith("jobs"):
            # One without an answer has a line all the same, and the other one its answer
            lines = answer.out.splitlines()
            same = same or answer.status == 3 and len(lines) in (0, 3) and all(
                line in usual.out.splitlines() or line.endswith(": error") or "exit status 3: error" in line for line in lines)
        assert same or is_error(answer, usual), (number, answer)
        for name, text in folder.files().items():
            assert text == written[name] or re.search(SAYS_ERROR.get(name, "$^"), text, re.M), (number, name)


@pytest.fixture
def by_evp(folder):
    """A list of a bank's own digests, none of which is right, and another bank: algorithms that EVP computes."""
    data = (CUT / "list").read_bytes()
    (folder.path / "first").write_bytes(b"".join(
        data[entry.start:entry.start + 4] + b"\1" * 32 + data[entry.start + 24:entry.end] for entry in lists.entries(data)))
    (folder.path / "pcrs").write_text((CUT / "pcrs").read_text(encoding="ascii") + f"  sha3_256:\n    10: 0x{'01' * 32}\n",
                                      encoding="ascii")
    return ["verify", folder.path / "first", "--pcrs", folder.path / "pcrs"]


@pytest.mark.parametrize("call", ["EVP_MD_CTX_copy_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex"])
def test_answer_without_libcrypto(folder, failing, by_evp, call):
    usual = folder.verifier.call(*by_evp)
    assert usual.status == 2, usual.text
    for number, answer in itertools.islice(
            failing.each(call, lambda environment: folder.verifier.call(*by_evp, env=environment)), 8):
        assert is_error(answer, usual) and "libcrypto failed to hash" in answer.err, (number, answer)


# ---- Evidence

@pytest.fixture(scope="module")
def host(verifier, tmp_path_factory, tpm_tools):
    with Host(verifier, tmp_path_factory.mktemp("host"), "sha256") as found:
        found.must_create_ak("ak.pem")
        found.boot(4)
        found.must_collect("before")
        found.measure(6)
        found.must_collect("evidence")
        yield found


@pytest.mark.parametrize("call", ["memory", "fopen", "fdopen", "open"])
def test_evidence(host, failing, call):
    def run(environment=None):
        return host.verifier.call("verify", "--evidence", "evidence", "--previous", "before", "--ak", "ak.pem", "--nonce", NONCE,
                                  "--ear", "ear", "--ear-unsigned", "--metrics", "metrics", cwd=host.folder, env=environment)
    usual = run()
    assert usual.status == 0, usual.text
    for number, answer in failing.each(call, run):
        assert (answer.status, answer.out) == (usual.status, usual.out) or is_error(answer, usual), (number, answer)


# ---- watch --keep

class Kept:
    """A list that a process copies, and the copy of its beginning, which ends with a part of an entry."""

    def __init__(self, verifier, path: Path):
        self.verifier, self.ima, self.copy = verifier, path / "ima", path / "copy"
        self.have = [entries.of_buffer(10, b"e%d" % number, b"x" * 60_000).binary() for number in range(24)]
        self.ima.mkdir()
        (self.ima / "binary_runtime_measurements").write_bytes(b"".join(self.have))
        (self.ima / "runtime_measurements_count").write_text(f"{len(self.have)}\n", encoding="ascii")

    def begin(self, begun: bool):
        for path in (*self.copy.glob("*"), self.copy) if self.copy.exists() else ():
            path.rmdir() if path.is_dir() else path.unlink()
        if begun:
            self.copy.mkdir()
            (self.copy / "0000000001-0000000001").write_bytes(b"".join(self.have[:3]) + self.have[3][:100])

    def run(self, environment=None) -> Answer:
        with subprocess.Popen([self.verifier.binary, "watch", "--ima", self.ima, "--keep", self.copy, "--keep-size", "1"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment) as process:
            said = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        return Answer(process.returncode, said + out, err)

    def copied(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.copy.iterdir()))


@pytest.mark.parametrize("begun", [False, True], ids=["anew", "going on"])
@pytest.mark.parametrize("call", ["memory", *KEEPING])
def test_copy(verifier, failing, tmp_path, call, begun):
    kept = Kept(verifier, tmp_path)

    def run(environment):
        kept.begin(begun)
        return kept.run(environment)
    usual = run(None)
    assert usual.status == 0
    whole = kept.copied()
    assert b"".join(kept.have).endswith(whole)
    for number, answer in failing.each(call, run):
        assert answer.status == 0 or is_error(answer, usual), (number, answer)
        # What is there is the beginning of the list, or what is left of it, and the next process goes on with it
        if kept.copy.exists():
            assert kept.copied()[:-len(kept.have[0])] in b"".join(kept.have), number
        assert kept.run().status == 0
        assert b"".join(kept.have).endswith(kept.copied()) and len(kept.copied()) > len(whole) // 2, (number, answer)


CRYPTO = ["EVP_MD_CTX_new", "EVP_DigestInit_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex", "EVP_Q_digest"]


@pytest.mark.parametrize("call", CRYPTO)
def test_state_without_libcrypto(folder, failing, call):
    usual = folder.run("state")
    for number, answer in failing.each(call, lambda environment: folder.run("state", environment)):
        assert (answer.status, answer.out) == (usual.status, usual.out) or is_error(answer, usual), (number, answer)


@pytest.mark.parametrize("call", CRYPTO)
def test_copy_without_libcrypto(verifier, failing, tmp_path, call):
    kept = Kept(verifier, tmp_path)
    for number, answer in failing.each(call, kept.run):
        assert is_error(answer, Answer(0, "", "")), (number, answer)


def test_copy_waits_for_who_deletes_entries(verifier, failing, tmp_path):
    kept = Kept(verifier, tmp_path)
    busy = {"FAIL_ERRNO": str(errno.EBUSY)}
    # The first is the folder of the copy
    answer = kept.run({**failing.environment("open", 2), **busy})
    assert failing.told.exists() and answer.status == 0
    kept.begin(False)
    answer = kept.run({**failing.environment("open", "2+"), **busy})
    assert answer.status == 3 and "another program has had the list open to delete entries for 30 seconds" in answer.err
