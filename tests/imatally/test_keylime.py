# SPDX-License-Identifier: GPL-2.0-only
"""
The module for Keylime's verifier, run by Keylime's code: "make check-keylime KEYLIME=DIR", with a tree of Keylime.

Keylime is in no Debian suite, so these are skipped without a tree.
"""

import ast
import hashlib
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from lab.paths import TOP
from lab.verifier import BINARY, SOURCE, VECTORS

pytestmark = [pytest.mark.check, pytest.mark.timeout(300)]

MODULE = SOURCE / "integrations" / "keylime"
TREE = os.environ.get("KEYLIME")
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/list"))
KEYLIMES_TESTS = ("test_ima_ast", "test_ima_verification", "test_ima_dm", "test_agentstates")
TESTS_OF_THE_PATCHES = (*KEYLIMES_TESTS, "test_imatally")

if not TREE:
    pytest.skip("no tree of Keylime is given (make check-keylime KEYLIME=DIR)", allow_module_level=True)


# ---- Lists as an agent reads them

def entries_of(path):
    """PCR, digest in the list, template and data of each entry of a binary list."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        pcr, digest, size = struct.unpack_from("<I20sI", data, at)
        name = data[at + 28:at + 28 + size].decode("ascii")
        at += 28 + size
        size = struct.unpack_from("<I", data, at)[0]
        yield pcr, digest, name, data[at + 4:at + 4 + size]
        at += 4 + size


def fields_of(data):
    at = 0
    while at < len(data):
        size = struct.unpack_from("<I", data, at)[0]
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def line_of(pcr, digest, template, data):
    """The line of the ASCII list, as the kernel prints it."""
    field, name, *rest = fields_of(data)
    alg, _, value = field.partition(b":\0")
    text = f"{pcr} {digest.hex()} {template} {alg.decode()}:{value.hex()} {name.rstrip(bytes(1)).decode()}"
    if template == "ima-txt":
        text += " " + "".join(chr(byte) if 0x20 < byte < 0x7f and byte != 0x5c else f"\\x{byte:02x}" for byte in rest[0])
    elif rest:
        text += " " + rest[0].hex()
    return text


class Measured:
    """A vector, in one bank."""

    def __init__(self, folder, alg):
        self.alg, self.path = alg, folder / "list"
        entries = list(entries_of(folder / "list"))
        self.lines = [line_of(*entry) for entry in entries]
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        self.pcr = next(target["value"] for target in result["targets"]
                        if target["alg"] == alg and target["pcr"] == 10)
        # The values of the PCR from the start, if nothing is missing
        value = bytes(hashlib.new(alg).digest_size)
        self.values = [value]
        for pcr, digest, _, data in entries:
            if pcr == 10:
                extend = hashlib.new(alg, data).digest() if any(digest) else b"\xff" * len(value)
                value = hashlib.new(alg, value + extend).digest()
            self.values.append(value)
        digests: dict[str, list[str]] = {}
        buffers: dict[str, list[str]] = {}
        for line in self.lines:
            _, _, template, digest, name = line.split(" ")[:5]
            kind = buffers if template in ("ima-buf", "ima-txt") else digests
            if name != "pcr_counter":
                kind.setdefault(name, []).append(digest.partition(":")[2])
        self.policy = {"meta": {"version": 1, "generator": 2}, "release": 0, "digests": digests, "excludes": [],
                       "keyrings": {}, "ima": {"ignored_keyrings": [], "log_hash_alg": "sha1", "dm_policy": None},
                       "ima-buf": buffers, "verification-keys": ""}

    @property
    def proved(self):
        """How many entries the PCR values prove, where they can be replayed; else 0."""
        return next((count for count, value in enumerate(self.values) if value.hex() == self.pcr), 0)

    def quote(self, lines=None, proved=None, from_start=False):
        return {"lines": self.lines if lines is None else lines, "from_start": from_start,
                "pcr": self.pcr if proved is None else self.values[proved].hex()}

    @property
    def verdict(self):
        """Of the whole list by this bank alone; in "extended-by-others" only one bank was extended."""
        done = subprocess.run([BINARY, "verify", "--json", "--pcr", f"{self.alg}:/dev/stdin", self.path],
                              input=self.pcr, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        return json.loads(done.stdout)["verdict"]

    @property
    def accepted(self):
        """Does Keylime accept it, if it is complete? It refuses violations and entries of other PCRs."""
        return not any(line.startswith("11 ") or line.split(" ")[1].strip("0") == "" for line in self.lines)


@pytest.fixture(params=["sha1", "sha256"])
def alg(request):
    return request.param


@pytest.fixture(params=FOLDERS, ids=[folder.name for folder in FOLDERS])
def measured(request, alg):
    return Measured(request.param, alg)


@pytest.fixture
def complete(alg):
    return Measured(VECTORS / "kexec-complete", alg)


# ---- Keylime's verifier

class Keylime:
    """The verifier of one agent, whose process may end and be started again."""

    def __init__(self, folder, binary, tree, imports):
        self.folder, self.binary, self.tree, self.imports = folder, binary, tree, imports
        self.agent = "d432fbb3-d2f1-4a97-9ef7-75bd81c00000"
        self.kept = None
        # Read by a patched Keylime only
        self.config = folder.with_name(folder.name + ".conf")
        self.config.write_text(f"[verifier]\nversion = 2.6\nimatally_command = {binary}\n", encoding="ascii")

    def run(self, *arguments, **popen):
        path = os.pathsep.join([str(self.binary.parent), os.environ["PATH"]])
        environment = {"PATH": path, "KEYLIME_TEST": "True", "KEYLIME_DIR": str(self.folder), "HOME": str(self.folder),
                       "PYTHONPATH": os.pathsep.join([str(MODULE), str(self.tree)]),
                       "KEYLIME_VERIFIER_CONFIG": str(self.config), "PYTHONDONTWRITEBYTECODE": "1"}
        environment.update(popen.pop("env", {}))
        return subprocess.run(["/usr/bin/python3", *arguments], cwd=self.folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                              check=False, **popen)

    def attest(self, measured, *quotes):
        """The failure events of each quote, by one process."""
        given = {"imports": self.imports, "agent": self.agent, "kept": self.kept, "policy": measured.policy,
                 "alg": measured.alg, "quotes": quotes}
        done = self.run(TOP / "tests" / "lab" / "keylime_verifier.py", input=json.dumps(given))
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout.splitlines()[-1])
        self.kept = said["kept"]
        return said["answers"]


@pytest.fixture
def keylime(tmp_path, verifier):
    return Keylime(tmp_path, verifier.binary.resolve(), TREE, ["imatally_keylime"])


@pytest.fixture(scope="session")
def patched_tree(tmp_path_factory):
    """A copy of the tree, with the patches."""
    tree = tmp_path_factory.mktemp("keylime") / "tree"
    shutil.copytree(TREE, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "demo"))
    for patch in sorted(MODULE.glob("*.patch")):
        done = subprocess.run(["git", "apply", patch], cwd=tree, stderr=subprocess.PIPE, encoding="utf-8", check=False,
                              env=dict(os.environ, GIT_CEILING_DIRECTORIES=str(tree.parent)))
        if done.returncode:
            pytest.skip(f"the patches do not apply to this version of Keylime: {done.stderr[:200]}")
    return tree


@pytest.fixture
def patched(tmp_path, verifier, patched_tree):
    return Keylime(tmp_path, verifier.binary.resolve(), patched_tree, [])


def ours(answer):
    return [event for event in answer["events"] if event.startswith("ima.imatally.")]


def events_of(verdict):
    return [] if verdict.startswith("complete") else [f"ima.imatally.{verdict}"]


def test_the_whole_list_gets_the_verdict(keylime, measured):
    answer, = keylime.attest(measured, measured.quote())
    assert ours(answer) == events_of(measured.verdict)
    if measured.verdict.startswith("complete") and measured.accepted:
        # Records and ima-txt need no place in the allow list
        assert answer["events"] == []


def test_so_it_does_with_the_patches(patched, measured):
    answer, again = patched.attest(measured, measured.quote(), measured.quote())
    assert ours(answer) == ours(again) == events_of(measured.verdict)
    if measured.verdict.startswith("complete") and measured.accepted:
        assert answer["events"] == again["events"] == []
        assert again["first"] == measured.proved


def test_so_does_a_list_without_an_agent(keylime, measured):
    keylime.agent = None
    answer, = keylime.attest(measured, measured.quote())
    assert ours(answer) == events_of(measured.verdict)


def test_a_list_in_increments_gets_the_verdict(keylime, measured):
    """Lines behind the quoted value are handed over again; the verifier is restarted in between."""
    if not measured.proved or not measured.accepted:
        pytest.skip("Keylime refuses this list, and asks for all of it each time")
    third = max(1, measured.proved // 3)
    grown = [measured.quote(measured.lines[:third + 2], third), measured.quote(measured.lines[:2 * third + 1], 2 * third)]
    first, second = keylime.attest(measured, *grown)
    answer, again = keylime.attest(measured, measured.quote(), measured.quote())
    if measured.verdict.startswith("complete"):
        assert (first["events"], second["events"], answer["events"], again["events"]) == ([], [], [], [])
        assert [each["first"] for each in (first, second, answer, again)] == [0, third, 2 * third, measured.proved]
    # A failure makes Keylime ask for the whole list
    assert ours(answer) == ours(again) == events_of(measured.verdict)


def test_each_line_by_itself(keylime, complete):
    count = min(complete.proved, 25)
    answers = keylime.attest(complete, *(complete.quote(complete.lines[:n], n) for n in range(1, count)))
    assert [answer["events"] for answer in answers] == [[]] * (count - 1)


def test_a_rebooted_agent_begins_anew(keylime, complete, alg):
    keylime.attest(complete, complete.quote())
    other = Measured(VECTORS / "resume", alg)
    answer, = keylime.attest(other, other.quote(from_start=True))
    assert answer["events"] == [] and answer["first"] == 0


def test_lines_that_are_not_here_are_asked_for_again(keylime, complete):
    keylime.attest(complete, complete.quote(complete.lines[:9], 8))
    for path in (keylime.folder / "imatally").rglob("*"):
        if path.is_file():
            path.unlink()
    answer, whole = keylime.attest(complete, complete.quote(), complete.quote())
    assert answer["first"] == 8 and whole["first"] == 0
    assert answer["events"] == whole["events"] == []
    assert list((keylime.folder / "imatally").rglob("state"))


def test_a_changed_line_is_a_mismatch(keylime, complete):
    lines = list(complete.lines)
    lines[0] = lines[0].replace("boot_aggregate", "boot_aggregatf")
    answer, = keylime.attest(complete, complete.quote(lines))
    assert ours(answer) == ["ima.imatally.mismatch"]


@pytest.mark.parametrize("agent", ["..", "../../x", "a/b", "n" * 80, "\u00e4 b"])
def test_an_agents_name_is_no_path(keylime, complete, agent):
    keylime.agent = agent
    answer, = keylime.attest(complete, complete.quote())
    assert answer["events"] == []
    assert [path.name for path in keylime.folder.iterdir()] == ["imatally"]
    folder, = (keylime.folder / "imatally").iterdir()
    assert (folder / "list").is_file()


@pytest.mark.parametrize("line", ["", "\udcff", "10 \x1b[31m", "10 " + "0" * 40 + " ima-txt sha1:" + "0" * 40 + " a \\",
                                  "--state"])
def test_what_is_no_list_fails(keylime, complete, line):
    lines = list(complete.lines)
    lines[3:3] = [line]
    try:
        answer, = keylime.attest(complete, complete.quote(lines))
    except AssertionError as error:
        # Keylime's own exception, for a string that has no UTF-8
        assert "UnicodeEncodeError" in str(error)
        return
    assert ours(answer) in (["ima.imatally.error"], ["ima.imatally.mismatch"])
    assert all(text.isprintable() for text in answer["contexts"])


def test_the_event_says_what_is_lost(keylime, alg):
    lost = Measured(VECTORS / "kexec-overflow", alg)
    answer, = keylime.attest(lost, lost.quote())
    said = json.loads(answer["contexts"][answer["events"].index("ima.imatally.incomplete")])
    assert said["lost"] == 133 and any("133 entries" in text for text in said["findings"])


# ---- Where it cannot run, the verifier does not start

def refused(keylime, before, path=None):
    env = {"PATH": path} if path else {}
    done = keylime.run("-c", f"{before}\nimport imatally_keylime", env=env)
    return done.returncode != 0 and "ImportError: imatally_keylime: " in done.stderr


@pytest.mark.parametrize("change", [
    "from keylime.ima import ima; del ima.process_measurement_list",
    "from keylime.ima import ima; ima._validate_ima_buf = lambda a: None",
    "from keylime.ima import ast; del ast.Entry._mode_lookup",
    "from keylime.tpm.tpm_main import Tpm; del Tpm._Tpm__check_ima",
    "from keylime.tpm.tpm_main import Tpm; Tpm._Tpm__check_ima = staticmethod(lambda *_: None)",
])
def test_another_keylime_is_refused(keylime, change):
    assert refused(keylime, change)


def test_it_needs_imatally(keylime, tmp_path):
    assert refused(keylime, "", str(tmp_path))


def test_an_imatally_that_fails_is_a_failure(keylime, complete, tmp_path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "imatally"
    program.write_text("#!/bin/sh\n[ \"$1\" = --version ] || { echo '{}'; exit 0; }\n", encoding="ascii")
    program.chmod(0o755)
    keylime.binary = program
    answer, = keylime.attest(complete, complete.quote())
    assert ours(answer) == ["ima.imatally.error"]


def test_keylimes_own_tests_pass(keylime):
    names = [f"test.{name}" for name in KEYLIMES_TESTS]
    done = keylime.run("-c", f"import os, sys, unittest; os.chdir({str(keylime.tree)!r}); sys.path.insert(0, os.getcwd())\n"
                       f"import imatally_keylime\nunittest.main(module=None, argv=['keylime', *{names!r}])")
    assert done.returncode == 0 and "\nOK" in done.stderr, done.stderr[-3000:]


def test_keylimes_own_tests_pass_with_the_patches(patched):
    names = [f"test.{name}" for name in TESTS_OF_THE_PATCHES]
    done = patched.run("-c", f"import os, sys, unittest; os.chdir({str(patched.tree)!r}); sys.path.insert(0, os.getcwd())\n"
                       f"unittest.main(module=None, argv=['keylime', *{names!r}])")
    assert done.returncode == 0 and "\nOK" in done.stderr, done.stderr[-3000:]


def function_texts(path):
    text = path.read_text(encoding="utf-8")
    return {node.name: ast.get_source_segment(text, node) for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef)}


def test_module_and_patches_have_the_same_functions(patched):
    module, patch = function_texts(MODULE / "imatally_keylime.py"), function_texts(patched.tree / "keylime/ima/imatally.py")
    both = set(module) & set(patch)
    assert both == {"printable", "imatally", "folder_of", "end_of_line", "keep", "judge", "event_of"}
    for name in both:
        assert module[name].replace("[PROGRAM, ", "[command(), ") == patch[name]
