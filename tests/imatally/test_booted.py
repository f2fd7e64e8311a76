# SPDX-License-Identifier: GPL-2.0-only
"""What booted: PCRs 0 to 9 in evidence, the boot_aggregate, values that are known, and the firmware's log."""

import hashlib
import json
import shutil
import struct

import pytest

from lab import schema
from lab.host import Host, edit_manifest

pytestmark = pytest.mark.usefixtures("tpm_tools")

EV_NO_ACTION, EV_POST_CODE = 3, 1
ALGORITHMS = {"sha1": 0x0004, "sha256": 0x000b}


def firmware_log(*events):
    """A log in the format of the TCG PC Client specification, of (PCR, data) pairs."""
    spec_id = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(ALGORITHMS))
    for name, number in ALGORITHMS.items():
        spec_id += struct.pack("<HH", number, hashlib.new(name).digest_size)
    spec_id += b"\0"
    log = struct.pack("<II20sI", 0, EV_NO_ACTION, bytes(20), len(spec_id)) + spec_id
    for pcr, data in events:
        log += struct.pack("<III", pcr, EV_POST_CODE, len(ALGORITHMS))
        for name, number in ALGORITHMS.items():
            log += struct.pack("<H", number) + hashlib.new(name, data).digest()
        log += struct.pack("<I", len(data)) + data
    return log


def extend(host, pcr, data):
    host.tool("tpm2_pcrextend", f"{pcr}:" + ",".join(f"{name}={hashlib.new(name, data).hexdigest()}"
                                                     for name in ALGORITHMS))


@pytest.fixture(scope="module")
def host(verifier, tmp_path_factory):
    """A kernel booted, and nothing extended PCRs 0 to 9."""
    with Host(verifier, tmp_path_factory.mktemp("host")) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        yield host


@pytest.fixture(scope="module")
def evidence(host):
    return host.must_collect("evidence")


@pytest.fixture
def copy(evidence, tmp_path):
    return shutil.copytree(evidence, tmp_path / "copy")


@pytest.fixture(scope="module")
def changed(verifier, tmp_path_factory):
    """PCR 4 was extended after the kernel had started; the folder has evidence of it, with the firmware's log."""
    with Host(verifier, tmp_path_factory.mktemp("changed")) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        extend(host, 4, b"late")
        (host.folder / "log").write_bytes(firmware_log((4, b"late")))
        host.must_collect("evidence", "0x81010010", "--firmware-log", "log")
        yield host


def kinds(answer):
    return [found["kind"] for found in answer.json["findings"]]


# ---- The values

def test_evidence_has_all_values_of_what_booted(host, evidence):
    manifest = json.loads((evidence / "manifest.json").read_text(encoding="utf-8"))
    assert schema.errors(schema.load("evidence"), manifest) == []
    assert {bank: list(pcrs) for bank, pcrs in manifest["boot"]["pcrs"].items()} == \
        {bank: [str(pcr) for pcr in range(10)] for bank in ALGORITHMS}


def test_boot_aggregate_that_agrees(host, evidence):
    answer = host.verify(evidence, "--strict", "--json")
    assert (answer.status, answer.json["verdict"]) == (0, "complete")
    assert not [kind for kind in kinds(answer) if kind.startswith("boot_")]
    assert answer.json["signer"]["boot_pcrs"]["sha256"]["0"] == "00" * 32
    assert answer.json["signer"]["firmware_log"] is None
    assert schema.errors(schema.load("result"), answer.json) == []


def test_what_booted_is_told(host, evidence):
    assert host.verify(evidence).says("PCRs 0 to 9 are signed, too; the evidence has no log of the firmware")


def test_what_booted_is_on_the_page(host, evidence, tmp_path):
    host.verify(evidence, "--html", tmp_path / "page.html")
    assert "<dt>What booted</dt><dd>PCRs 0 to 9 are signed, too" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_boot_aggregate_that_differs_is_a_finding(changed):
    answer = changed.verify("evidence", "--json")
    assert (answer.status, answer.json["verdict"]) == (0, "complete")
    assert "boot_aggregate_differs" in kinds(answer)


def test_boot_aggregate_that_differs_is_a_mismatch_if_strict(changed):
    answer = changed.verify("evidence", "--strict")
    assert answer.status == 2 and answer.says("^verdict: mismatch: what booted is not what was expected"), answer.text


def test_unsigned_values_are_compared_too(changed, tmp_path):
    (tmp_path / "pcrs").write_bytes(changed.tool("tpm2_pcrread", "sha1:all+sha256:all"))
    answer = changed.verifier.call("verify", changed.ima / "binary_runtime_measurements", "--pcrs", tmp_path / "pcrs")
    assert answer.status == 0 and answer.says("this boot_aggregate is not the sha256 digest of PCRs 0 to 9")


# ---- Values that are known

def known(host, tmp_path, pcrs):
    (tmp_path / "known").write_bytes(host.tool("tpm2_pcrread", pcrs))
    return tmp_path / "known"


def test_known_values_agree(host, evidence, tmp_path):
    answer = host.verify(evidence, "--strict", "--boot-pcrs", known(host, tmp_path, "sha256:0,1,2,3,4,5,6,7,8,9"))
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_known_value_that_differs_is_a_mismatch(host, changed, tmp_path):
    answer = changed.verify("evidence", "--boot-pcrs", known(host, tmp_path, "sha256:4,5"))
    assert answer.status == 2 and answer.says("PCR 4, sha256: what booted is not what is known"), answer.text
    assert not answer.says("PCR 5, sha256")


def test_known_value_that_is_not_in_the_evidence_is_a_mismatch(host, copy, tmp_path):
    edit_manifest(copy, lambda manifest: manifest.pop("boot"))
    answer = host.verify(copy, "--boot-pcrs", known(host, tmp_path, "sha256:7"))
    assert answer.status == 2 and answer.says("PCR 7, sha256: a value is known, but the machine gave none")


# ---- What was changed on the way

def is_not_authentic(answer, reason):
    assert answer.status == 4 and answer.says(reason), answer.text


def test_evidence_without_what_booted_is_as_before(host, copy):
    edit_manifest(copy, lambda manifest: manifest.pop("boot"))
    answer = host.verify(copy)
    assert (answer.status, answer.verdict) == (0, "complete")
    assert answer.says("what booted is not signed: the evidence has no values of PCRs 0 to 9")


def test_edited_value_is_not_authentic(host, copy):
    edit_manifest(copy, lambda manifest: manifest["boot"]["pcrs"]["sha256"].update({"4": "11" * 32}))
    is_not_authentic(host.verify(copy), "the quote of PCRs 0 to 9: the PCR values are not the quoted ones")


def test_value_left_out_is_not_authentic(host, copy):
    edit_manifest(copy, lambda manifest: manifest["boot"]["pcrs"]["sha256"].pop("4"))
    is_not_authentic(host.verify(copy), "the quote of PCRs 0 to 9")


def test_quote_for_another_nonce_is_not_authentic(host, copy):
    older = json.loads((host.must_collect("older", nonce="ab" * 16) / "manifest.json").read_text(encoding="utf-8"))
    edit_manifest(copy, lambda manifest: manifest.update(boot=older["boot"]))
    is_not_authentic(host.verify(copy), "the quote of PCRs 0 to 9: .*nonce")


def test_quote_of_the_ima_pcr_does_not_pass_for_it(host, copy):
    edit_manifest(copy, lambda manifest: manifest["boot"].update(manifest["quote"]))
    is_not_authentic(host.verify(copy), "the quote of PCRs 0 to 9")


def test_pcr_that_tells_nothing_of_the_boot_is_refused(host, copy):
    edit_manifest(copy, lambda manifest: manifest["boot"]["pcrs"]["sha256"].update({"10": "11" * 32}))
    answer = host.verify(copy)
    assert answer.status == 3 and answer.says("PCR index from 0 to 9 expected")


# ---- The firmware's log

def test_log_that_leads_to_the_values(changed):
    answer = changed.verify("evidence", "--json")
    assert answer.json["signer"]["firmware_log"] == "matches"
    assert changed.verify("evidence").says("PCRs 0 to 9 are signed, too, and the firmware's log leads to them")


def with_log(host, name, log):
    (host.folder / f"{name}.log").write_bytes(log)
    return host.must_collect(name, "0x81010010", "--firmware-log", f"{name}.log")


@pytest.mark.parametrize("name, log, said", [
    pytest.param("other", firmware_log((4, b"other")), "the firmware's log does not lead to PCR 4, sha1", id="other"),
    pytest.param("more", firmware_log((4, b"late"), (7, b"more")), "the firmware's log does not lead to PCR 7, sha1",
                 id="more"),
    pytest.param("less", firmware_log(), "the firmware's log does not lead to PCR 4, sha1|cannot replay", id="less"),
    pytest.param("noise", b"noise" * 100, "tpm2_eventlog cannot replay the firmware's log", id="noise"),
    pytest.param("cut", firmware_log((4, b"late"))[:-3], "tpm2_eventlog cannot replay the firmware's log", id="cut"),
])
def test_log_that_does_not_is_a_finding(changed, name, log, said):
    answer = changed.verify(with_log(changed, name, log))
    assert (answer.status, answer.verdict) == (0, "complete") and answer.says(said), answer.text


def test_log_that_does_not_is_a_finding_with_strict(host):
    answer = host.verify(with_log(host, "strict", firmware_log((4, b"late"))), "--strict")
    assert (answer.status, answer.verdict) == (1, "complete"), answer.text


def test_text_in_the_log_is_not_taken_for_values(changed):
    """An event's data can look like the end of the program's output."""
    lines = b"\npcrs:\n  sha1:\n    4  : 0x" + b"0" * 40 + b"\n"
    answer = changed.verify(with_log(changed, "text", firmware_log((4, lines))))
    assert answer.says("the firmware's log does not lead to PCR 4"), answer.text


def test_damaged_log_is_an_error(changed, tmp_path):
    folder = shutil.copytree(changed.folder / "evidence", tmp_path / "damaged")
    (folder / "firmware_log").write_bytes(firmware_log((4, b"else")))
    answer = changed.verify(folder)
    assert answer.status == 3 and answer.says("damaged/firmware_log: damaged")


def test_link_is_not_followed(changed, tmp_path):
    folder = shutil.copytree(changed.folder / "evidence", tmp_path / "linked")
    (folder / "firmware_log").rename(tmp_path / "elsewhere")
    (folder / "firmware_log").symlink_to(tmp_path / "elsewhere")
    answer = changed.verify(folder)
    assert answer.status == 3 and answer.says("firmware_log")


def test_log_is_not_replayed_without_the_program(changed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = changed.verify("evidence", "--json")
    assert answer.json["signer"]["firmware_log"] == "not_replayed"
    assert changed.verify("evidence").says("tpm2_eventlog is not installed")


def test_log_that_is_named_and_missing_is_an_error(host):
    answer = host.collect("missing", "0x81010010", "--firmware-log", "no.log")
    assert answer.status == 3 and answer.says("no.log: No such file or directory")
    assert not (host.folder / "missing" / "manifest.json").exists()
