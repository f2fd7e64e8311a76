# SPDX-License-Identifier: GPL-2.0-only
"""
Evidence from a real TPM implementation: collected from a software TPM, checked by tpm2-tools too, verified without a
TPM, and refused in every broken variant.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lab import schema
from lab.host import HANDLE, NONCE, Host, checkquote, edit_manifest, flipped

OTHER_NONCE = "ff" + NONCE


pytestmark = pytest.mark.usefixtures("tpm_tools")


def new_host(verifier, tmp_path_factory, banks="sha1,sha256"):
    return Host(verifier, tmp_path_factory.mktemp("host"), banks)


@pytest.fixture(scope="module")
def host(verifier, tmp_path_factory):
    """A kernel booted, there is an AK, and only IMA has extended PCRs since."""
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        yield host


@pytest.fixture(scope="module")
def evidence(host):
    return host.must_collect("evidence")


@pytest.fixture
def copy(evidence, tmp_path):
    """A copy of the evidence, to be changed."""
    return shutil.copytree(evidence, tmp_path / "copy")


# ---- Every kind of AK

@pytest.fixture(scope="module", params=["ecc", "rsa", "rsapss"])
def algorithm(request):
    return request.param


@pytest.fixture(scope="module")
def signed(host, algorithm):
    """Evidence with an AK of the algorithm, whose public key is in ak.ALGORITHM.pem."""
    answer = host.create_ak(f"ak.{algorithm}.pem", f"{algorithm}.ctx", "--ak-alg", algorithm)
    assert answer.status == 0 and answer.says(f"AK {algorithm}.ctx, its public key in ak.{algorithm}.pem")
    return host.must_collect(f"evidence.{algorithm}", f"{algorithm}.ctx")


def test_evidence_verifies_with_the_public_key(host, signed, algorithm):
    answer = host.verify(signed, "--strict", ak=f"ak.{algorithm}.pem")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_quote_is_one_for_tpm2_tools(host, signed, algorithm):
    key = host.folder / f"ak.{algorithm}.pem"
    if algorithm != "rsapss":
        done = checkquote(signed, key, NONCE)
        assert done.returncode == 0, done.stdout
        return
    # tpm2_checkquote does not know PSS; the signature follows its algorithm, hash and size
    quote = json.loads((signed / "manifest.json").read_text(encoding="utf-8"))["quote"]
    (signed / "signature").write_bytes(bytes.fromhex(quote["signature"])[6:])
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key, "-sigopt", "rsa_padding_mode:pss", "-signature",
                           signed / "signature"], input=bytes.fromhex(quote["attest"]), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.stdout == b"Verified OK\n"


@pytest.mark.parametrize("algorithm", ["ecc", "rsa"], scope="module", indirect=True)
def test_quote_is_of_this_nonce_for_tpm2_tools(host, signed, algorithm):
    assert checkquote(signed, host.folder / f"ak.{algorithm}.pem", OTHER_NONCE).returncode != 0


def test_algorithm_that_is_not_offered_is_refused(host):
    answer = host.create_ak("no.pem", "no.ctx", "--ak-alg", "rsa1024")
    assert answer.status == 3 and answer.says("rsa1024: ecc, rsa or rsapss expected")


def test_ak_of_tpm2_tools(host):
    host.tool("tpm2_createek", "-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub")
    host.tool("tpm2_createak", "-C", "ek.ctx", "-c", "theirs.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-u",
              "theirs.pem", "-f", "pem")
    host.tool("tpm2_flushcontext", "-t")
    answer = host.verify(host.must_collect("evidence.theirs", "theirs.ctx"), ak="theirs.pem")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


# ---- Every set of banks

@pytest.mark.parametrize("banks", ["sha256", "sha1,sha256,sha384,sha512"])
def test_evidence_of_other_banks(verifier, tmp_path_factory, banks):
    with new_host(verifier, tmp_path_factory, banks) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        found = host.must_collect("evidence")
        answer = host.verify(found, "--strict")
        assert (answer.status, answer.verdict) == (0, "complete"), answer.text
        assert checkquote(found, host.folder / "ak.pem", NONCE).returncode == 0


@pytest.fixture(scope="module")
def sha1_only(verifier, tmp_path_factory):
    with new_host(verifier, tmp_path_factory, "sha1") as host:
        host.boot()
        host.must_create_ak("ak.pem", "ak.ctx")
        host.must_collect("evidence", "ak.ctx")
        yield host


def test_values_of_sha1_alone_are_a_finding(sha1_only):
    answer = sha1_only.verify("evidence")
    assert answer.status == 0 and answer.says("only SHA-1 values of the IMA PCR are signed")
    answer = sha1_only.verify("evidence", "--strict")
    assert (answer.status, answer.verdict) == (1, "complete")


def test_values_of_sha1_alone_are_on_the_page(sha1_only):
    assert sha1_only.verify("evidence", "--strict", "--html", "page.html").status == 1
    assert "only SHA-1 values of the IMA PCR are" in (sha1_only.folder / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def weak(host, evidence, tmp_path_factory):
    """Evidence with a SHA-1 value of the IMA PCR, and a SHA-256 value of another one."""
    folder = shutil.copytree(evidence, tmp_path_factory.mktemp("weak") / "weak")
    selected = "sha1:10+sha256:11"
    host.tool("tpm2_quote", "-c", HANDLE, "-l", selected, "-q", NONCE, "-m", folder / "attest", "-s", folder / "signature")
    host.tool("tpm2_pcrread", selected, "-o", folder / "values")
    values = (folder / "values").read_bytes().hex()

    def replace(manifest):
        del manifest["counter"]
        manifest["quote"] = {part: (folder / part).read_bytes().hex() for part in ("attest", "signature")}
        manifest["pcrs"] = {"sha1": {"10": values[:40]}, "sha256": {"11": values[40:]}}
    edit_manifest(folder, replace)
    return folder


def test_value_of_another_pcr_does_not_make_up_for_sha1(host, weak):
    assert host.verify(weak).says("only SHA-1 values of the IMA PCR are signed")


# ---- The manifest and the answers follow their schemas

def test_manifest_follows_the_schema(evidence):
    manifest = json.loads((evidence / "manifest.json").read_text(encoding="utf-8"))
    assert schema.errors(schema.load("evidence"), manifest) == []


def test_answer_follows_the_schema_and_names_the_signer(host, evidence):
    answer = host.verify(evidence, "--json")
    assert schema.errors(schema.load("result"), answer.json) == []
    signer = answer.json["signer"]
    assert re.fullmatch("[0-9a-f]{64}", signer["ak_sha256"])
    assert isinstance(signer["pcrUpdateCounter"], int) and signer["rebooted"] is None


def test_answer_that_is_not_authentic_follows_the_schema(host, evidence):
    answer = host.verify(evidence, "--json", nonce=OTHER_NONCE)
    assert schema.errors(schema.load("result"), answer.json) == []
    assert (answer.status, answer.json["verdict"], answer.json["status"]) == (4, "not_authentic", 4)
    assert answer.json["error"]["text"].startswith("the quote: wrong nonce")


# ---- What comes after the last record, and lists that are longer and shorter

def test_entries_after_the_last_record_are_counted(host, evidence):
    answer = host.verify(evidence)
    assert answer.status == 0
    assert answer.says(r"^  [0-9]+ request +\(end\) +3 +- +6 +6 +- +0$"), answer.text


def test_signer_is_named_by_the_fingerprint_of_its_key(host, evidence):
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", host.folder / "ak.pem", "-outform", "der"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    assert host.verify(evidence).says(f"signed by the AK sha256:{hashlib.sha256(der).hexdigest()}$")


def test_clock_of_the_tpm_is_reported(host, evidence):
    assert host.verify(evidence).says("resetCount [0-9]+, restartCount 0, clock [0-9]+ ms, pcrUpdateCounter [0-9]+$")


@pytest.mark.parametrize("options, status", [((), 0), (("--strict",), 1)], ids=["", "strict"])
def test_update_by_others_after_the_last_record_is_a_finding(disturbed, options, status):
    answer = disturbed.verify("evidence", *options)
    assert answer.status == status and answer.says("1 update of PCRs by others or unexplained")


@pytest.fixture(scope="module")
def disturbed(verifier, tmp_path_factory):
    """Somebody extended a PCR after the last record."""
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        host.update_by_others()
        host.must_collect("evidence")
        yield host


def test_list_that_went_on_is_right_up_to_the_quote(host, copy):
    host.write_list(copy / "log", 9)
    answer = host.verify(copy)
    assert answer.status == 0 and answer.says("7 entries at the end of the list are not covered"), answer.text


def test_list_that_ends_before_the_quote_is_a_mismatch(host, copy):
    host.write_list(copy / "log", 1)
    answer = host.verify(copy)
    assert answer.status == 2 and answer.verdict.startswith("mismatch"), answer.text


@pytest.fixture
def trimmed(verifier, copy, tmp_path):
    """Evidence whose first entries are in another file, which is returned too."""
    offset = json.loads(verifier.call("show", "--json", copy / "log").out.splitlines()[0])["offset"]
    whole = (copy / "log").read_bytes()
    (tmp_path / "deleted").write_bytes(whole[:offset])
    (copy / "log").write_bytes(whole[offset:])
    return copy, tmp_path / "deleted"


def test_what_was_trimmed_is_given_as_a_part(host, trimmed):
    found, deleted = trimmed
    answer = host.verify(found, deleted)
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_what_was_trimmed_is_lost_if_it_is_not_given(host, trimmed):
    answer = host.verify(trimmed[0])
    assert (answer.status, answer.verdict) == (1, "incomplete: 1 entry lost"), answer.text


@pytest.mark.parametrize("old, new, status, text", [
    (b"event=request", b"event=req-est", 2, "is a record with invalid text"),
    (b";entries=5;", b";entries=4;", 2, "the template digest is not the digest of the data"),
    (b"file", b"filE", 2, "^verdict: mismatch"),
], ids=["event", "count", "name"])
def test_edited_list_is_noticed(host, copy, old, new, status, text):
    log = copy / "log"
    assert old in log.read_bytes()
    log.write_bytes(log.read_bytes().replace(old, new))
    answer = host.verify(copy)
    assert answer.status == status and answer.says(text), answer.text


# ---- Not authentic

def is_not_authentic(answer, reason):
    return answer.status == 4 and answer.says(reason)


def test_another_nonce_is_not_authentic(host, evidence):
    assert is_not_authentic(host.verify(evidence, nonce=OTHER_NONCE), "the quote: wrong nonce: it answers 00112233")


def test_another_nonce_is_on_the_page(host, evidence):
    host.verify(evidence, "--html", "page.html", nonce=OTHER_NONCE)
    assert "the quote: wrong nonce: it answers 00112233" in (host.folder / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def other_ak(host):
    host.must_create_ak("other.pem", "other.ctx", "--ak-alg", "rsa")
    return "other.pem"


def test_another_ak_is_not_authentic(host, evidence, other_ak):
    assert is_not_authentic(host.verify(evidence, ak=other_ak), "the quote: the signature is not by this AK")


@pytest.mark.parametrize("part", ["attest", "signature"])
def test_changed_bit_of_the_quote_is_not_authentic(host, copy, part):
    edit_manifest(copy, lambda manifest: manifest["quote"].update({part: flipped(manifest["quote"][part], 60)}))
    assert is_not_authentic(host.verify(copy), "the quote: the signature is not by this AK, or what it signed was changed")


@pytest.mark.parametrize("bank", ["sha1", "sha256"])
def test_changed_pcr_value_is_not_authentic(host, copy, bank):
    edit_manifest(copy, lambda manifest: manifest["pcrs"][bank].update({"10": flipped(manifest["pcrs"][bank]["10"], 3)}))
    assert is_not_authentic(host.verify(copy), "the PCR values are not the quoted ones")


def test_bank_left_out_is_not_authentic(host, copy):
    edit_manifest(copy, lambda manifest: manifest["pcrs"].pop("sha256"))
    assert is_not_authentic(host.verify(copy), "the quote: it covers PCR 10 of bank sha256")


def change_counter(manifest):
    # It is the first thing in the response after two codes
    exchange = manifest["counter"]["exchanges"][1]
    exchange["response"] = flipped(exchange["response"], 23)


def leave_out_an_exchange(manifest):
    del manifest["counter"]["exchanges"][0]


@pytest.mark.parametrize("change", [change_counter, leave_out_an_exchange], ids=["changed", "left out"])
def test_attested_counter_that_is_edited_is_not_authentic(host, copy, change):
    edit_manifest(copy, change)
    assert is_not_authentic(host.verify(copy), "the attested counter: the commands and responses are not the ones")


# ---- Time: evidence of the same boot, later, and of the next

LATER_NONCE = "abcdef"


@pytest.fixture(scope="module")
def history(verifier, tmp_path_factory):
    """Evidence "first", "later" with another nonce, and "rebooted"."""
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        host.must_collect("first")
        host.must_collect("later", nonce=LATER_NONCE)
        host.power_cycle()
        host.boot()
        host.must_collect("rebooted")
        yield host


@pytest.fixture
def mixed(history, tmp_path):
    """The quote of later evidence beside the counter of earlier one."""
    folder = shutil.copytree(history.folder / "first", tmp_path / "mixed")
    later = json.loads((history.folder / "later" / "manifest.json").read_text(encoding="utf-8"))
    edit_manifest(folder, lambda manifest: manifest.update(quote=later["quote"]))
    return folder


def test_quote_of_other_evidence_is_not_authentic(history, mixed):
    assert is_not_authentic(history.verify(mixed), "the quote: wrong nonce")


def test_counter_of_other_evidence_is_not_authentic(history, mixed):
    assert is_not_authentic(history.verify(mixed, nonce=LATER_NONCE), "the attested counter: wrong nonce")


def test_later_evidence_is_of_the_same_boot(history):
    answer = history.verify("later", "--previous", "first", nonce=LATER_NONCE)
    assert answer.status == 0 and answer.says("the same boot as the previous evidence")


def test_earlier_evidence_is_not_authentic(history):
    assert is_not_authentic(history.verify("first", "--previous", "later"), "(decreased|went back)")


def test_previous_evidence_has_to_be_authentic(history, tmp_path):
    broken = shutil.copytree(history.folder / "first", tmp_path / "broken")
    edit_manifest(broken, lambda manifest: manifest["quote"].update(attest=flipped(manifest["quote"]["attest"], 60)))
    assert is_not_authentic(history.verify("later", "--previous", broken, nonce=LATER_NONCE),
                            "the previous evidence: the quote: the signature")


def test_reboot_is_reported(history):
    answer = history.verify("rebooted", "--previous", "later", "--html", "page.html")
    assert answer.status == 0 and answer.says("rebooted or restarted since")
    assert "rebooted or restarted since" in (history.folder / "page.html").read_text(encoding="utf-8")


def test_evidence_from_before_a_reboot_is_not_authentic(history):
    assert is_not_authentic(history.verify("later", "--previous", "rebooted", nonce=LATER_NONCE),
                            "resetCount decreased by 1:")


def test_list_of_an_earlier_boot_does_not_verify(history):
    """Root can extend its entries again, and not change resetCount."""
    history.power_cycle()
    history.extended = 0
    history.measure()
    history.must_collect("again")
    answer = history.verify("again")
    assert answer.status == 2 and answer.says("the TPM was started anew between entry 5")
    assert answer.says("PCR 10 sha256: matches the replay")


def test_saved_ak_is_gone_after_a_reset(history):
    history.must_create_ak("gone.pem", "gone.ctx")
    history.power_cycle()
    answer = history.collect("new", "gone.ctx")
    assert answer.status == 3 and answer.says("becomes invalid when the TPM is reset")


# ---- The endorsement hierarchy belongs to somebody; an AK with an authorization

@pytest.fixture(scope="module")
def owned(verifier, tmp_path_factory):
    """The hierarchy's authorization is "secret", also in a file; an AK's is "mine"."""
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        host.tool("tpm2_changeauth", "-c", "e", "secret")
        (host.folder / "endorsement").write_text("secret\n", encoding="ascii")
        host.must_create_ak("mine.pem", "mine.ctx", "--ak-auth", "mine", "--endorsement-auth", "secret")
        yield host


@pytest.fixture(scope="module")
def not_attested(owned):
    answer = owned.collect("evidence.without", HANDLE)
    assert answer.status == 0, answer.text
    return answer


def test_reason_why_the_counter_is_not_attested_is_reported(not_attested):
    assert not_attested.says("counter not attested") and not_attested.says("TPM2_GetSessionAuditDigest.*auth")


WRONG = "pcrUpdateCounter is not attested: the machine says that it has a wrong authorization value"


def test_counter_that_is_not_attested_is_reported_with_the_reason(owned, not_attested):
    answer = owned.verify("evidence.without", "--html", "page.html")
    assert answer.status == 0 and answer.says(WRONG)
    assert WRONG in (owned.folder / "page.html").read_text(encoding="utf-8")


def test_counter_that_is_not_attested_is_a_finding(owned, not_attested):
    answer = owned.verify("evidence.without", "--strict")
    assert (answer.status, answer.verdict) == (1, "complete") and answer.says(WRONG)


def test_reason_why_the_counter_is_not_attested_is_in_json(owned, not_attested):
    answer = owned.verify("evidence.without", "--json")
    assert answer.json["signer"]["no_counter"] == "authorization"
    assert schema.errors(schema.load("result"), answer.json) == []


def test_counter_that_was_left_out_is_a_finding_without_a_reason(host, copy):
    edit_manifest(copy, lambda manifest: manifest.pop("counter"))
    answer = host.verify(copy, "--strict")
    assert answer.status == 1 and answer.says("pcrUpdateCounter is not attested: the evidence gives no reason")


def test_authorization_of_the_hierarchy_from_a_file(owned):
    owned.must_collect("evidence.with", HANDLE, "--endorsement-auth", "file:endorsement")
    answer = owned.verify("evidence.with")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_ak_with_an_authorization(owned):
    owned.must_collect("evidence.mine", "mine.ctx", "--endorsement-auth", "secret", "--ak-auth", "mine")
    answer = owned.verify("evidence.mine", ak="mine.pem")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_ak_without_its_authorization_is_an_error(owned):
    answer = owned.collect("new", "mine.ctx", "--endorsement-auth", "secret")
    assert answer.status == 3 and answer.says("TPM2_Quote: --ak-auth is missing")


def test_wrong_authorization_of_the_hierarchy_is_named(owned):
    answer = owned.collect("evidence.wrong", HANDLE, "--endorsement-auth", "guess")
    assert answer.status == 0 and answer.says("TPM2_GetSessionAuditDigest: --endorsement-auth is wrong")


def test_ak_is_not_created_without_the_authorization_of_the_hierarchy(owned):
    answer = owned.create_ak("new.pem", "new.ctx")
    assert answer.status == 3 and answer.says("TPM2_CreatePrimary: --endorsement-auth is missing")


def test_wrong_authorizations_for_others_do_not_lock_the_ak(owned):
    # Otherwise the AK would be refused in lockout mode
    assert "noda" in owned.tool("tpm2_readpublic", "-c", HANDLE).decode()


# ---- The AK and its public key

OTHER_HANDLE = "0x81010011"


@pytest.fixture(scope="module")
def guarded(verifier, tmp_path_factory):
    """The owner hierarchy has an authorization; there is an AK."""
    with new_host(verifier, tmp_path_factory) as host:
        host.must_create_ak("ak.pem")
        host.tool("tpm2_changeauth", "-c", "o", "secret")
        yield host


def test_ak_that_the_tpm_does_not_keep_leaves_no_public_key(guarded):
    answer = guarded.create_ak("new.pem", OTHER_HANDLE)
    assert answer.status == 3 and answer.says("TPM2_EvictControl: --owner-auth is missing")
    assert not (guarded.folder / "new.pem").exists()


def test_key_of_the_tpm_is_not_replaced(guarded):
    answer = guarded.create_ak("new.pem", HANDLE)
    assert answer.status == 3 and answer.says(f"{HANDLE}: the TPM has a key there already")
    assert not (guarded.folder / "new.pem").exists()


@pytest.mark.parametrize("pem, ak, text", [
    ("old", "new.ctx", "--create-ak old: exists already, and is not overwritten"),
    ("new.pem", "old", "--ak old: exists already, and is not overwritten"),
    ("same", "same", "cannot be the same file"),
], ids=["public key", "context", "both"])
def test_file_is_not_overwritten_by_a_new_key(guarded, pem, ak, text):
    (guarded.folder / "old").write_text("precious", encoding="ascii")
    answer = guarded.create_ak(pem, ak)
    assert answer.status == 3 and answer.says(text)
    assert (guarded.folder / "old").read_text(encoding="ascii") == "precious"
    assert not [name for name in ("new.pem", "new.ctx", "same") if (guarded.folder / name).exists()]


def test_context_is_not_written_over_when_it_is_used(host, other_ak):
    before = (host.folder / "other.ctx").read_bytes()
    host.must_collect("evidence.other", "other.ctx")
    assert (host.folder / "other.ctx").read_bytes() == before


# ---- What fails says what it was

# TPM2_StartAuthSession, which leaves the session in the TPM
START_SESSION = bytes.fromhex("8001" "0000002b" "00000176" "40000007" "40000007" "0010" + 16 * "00" + "0000" "00" "0010" "000b")


def test_sessions_in_use_are_named(verifier, tmp_path_factory):
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        for _ in range(3):
            host.tool("tpm2_send", input=START_SESSION)
        answer = host.collect("evidence", HANDLE)
        assert answer.status == 0 and answer.says("all sessions of the TPM are in use.*tpm2_flushcontext -s"), answer.text
        assert not answer.says("endorsement-auth")
        answer = host.verify("evidence", "--strict")
        assert answer.status == 1 and answer.says("not attested: the machine says that all sessions of its TPM were in use")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_device_without_rights_is_named(verifier, tmp_path):
    device = tmp_path / "tpmrm0"
    device.touch(mode=0o600)
    # the program may be in a directory that the other user cannot enter
    program = shutil.copy(verifier.binary, tempfile.mkdtemp(prefix="imatally."))
    for path in (Path(program).parent, *tmp_path.parents[:3], tmp_path):
        path.chmod(0o755)
    try:
        done = subprocess.run([program, "collect", "--tcti", f"device:{device}", "--ak", HANDLE, "--nonce", NONCE, "--out", "new"],
                              user=65534, group=65534, extra_groups=(), cwd="/", capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(Path(program).parent)
    assert done.returncode == 3 and f"no TPM at {device}: Permission denied" in done.stderr, done.stderr


# ---- Entries that are staged for deletion

def test_entries_that_are_staged_are_collected(host, verifier, tmp_path):
    """As many as an agent that was interrupted may have staged."""
    rest = host.ima / "binary_runtime_measurements"
    whole = rest.read_bytes()
    offset = json.loads(verifier.call("show", "--json", rest).out.splitlines()[0])["offset"]
    staged = host.ima / "binary_runtime_measurements_staged"
    staged.write_bytes(whole[:offset])
    rest.write_bytes(whole[offset:])
    try:
        found = host.must_collect(tmp_path / "staged")
    finally:
        staged.unlink()
        rest.write_bytes(whole)
    assert (found / "log").read_bytes() == whole
    answer = host.verify(found, "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


# ---- Cut off at any point

def killed(host, at, *args):
    """Run imatally collect, and kill it at that system call; how many there were, and whether it was killed."""
    done = subprocess.run([host.verifier.program("kill_at"), str(at), host.verifier.binary, "collect", "--tcti", host.tpm.tcti, *args],
                          cwd=host.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    # what the program printed comes first
    return int(done.stdout.split()[-1]), done.returncode == 137


def flush(host):
    """Nobody does that for a program that was killed, where there is no resource manager."""
    for kind in ("-t", "-l", "-s"):
        host.tool("tpm2_flushcontext", kind)


def every_call(host, *args):
    """The numbers of its system calls."""
    calls, cut = killed(host, 10 ** 6, *args)
    assert not cut
    return range(1, calls + 1)


@pytest.mark.check
@pytest.mark.timeout(1200)
def test_cut_off_anywhere_there_is_no_evidence_or_all_of_it(verifier, tmp_path_factory):
    with new_host(verifier, tmp_path_factory) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        collect = ("--ima", "ima", "--nonce", NONCE, "--ak", HANDLE, "--out")
        whole = 0
        for at in every_call(host, *collect, "whole"):
            folder = host.folder / f"cut.{at}"
            _, cut = killed(host, at, *collect, folder.name)
            flush(host)
            answer = host.verify(folder)
            assert answer.status == (0 if (folder / "manifest.json").exists() else 3), f"cut at {at}: {answer.text}"
            whole += answer.status == 0
            shutil.rmtree(folder, ignore_errors=True)
        assert whole


@pytest.mark.check
@pytest.mark.timeout(1200)
def test_cut_off_anywhere_no_key_is_kept_whose_public_key_is_unknown(verifier, tmp_path_factory):
    with new_host(verifier, tmp_path_factory) as host:
        host.must_create_ak("right.pem")
        host.tool("tpm2_evictcontrol", "-c", HANDLE)
        kept = 0
        for at in every_call(host, "--create-ak", "whole.pem", "--ak", OTHER_HANDLE):
            (host.folder / "cut.pem").unlink(missing_ok=True)
            killed(host, at, "--create-ak", "cut.pem", "--ak", HANDLE)
            flush(host)
            if HANDLE in host.tool("tpm2_getcap", "handles-persistent").decode().lower():
                assert (host.folder / "cut.pem").read_bytes() == (host.folder / "right.pem").read_bytes(), f"cut at {at}"
                host.tool("tpm2_evictcontrol", "-c", HANDLE)
                kept += 1
        assert kept


# ---- Files

@pytest.fixture
def update_counter(host):
    """The kernel's file."""
    path = host.ima / "update_counter"
    path.write_bytes(b"")
    yield path
    path.unlink()


def test_record_is_asked_for(host, update_counter):
    answer = host.collect("evidence.requested", HANDLE)
    assert answer.status == 0 and not answer.says("on request"), answer.text
    assert update_counter.read_text(encoding="ascii") == "1\n"


def test_evidence_is_for_its_owner_only(evidence):
    modes = [os.stat(path).st_mode & 0o777 for path in (evidence, evidence / "log", evidence / "manifest.json")]
    assert modes == [0o700, 0o600, 0o600]


def test_evidence_is_not_overwritten(host, evidence):
    answer = host.collect(evidence, HANDLE)
    assert answer.status == 3 and answer.says("the directory contains evidence already")


def test_link_does_not_lead_out_of_the_folder(host):
    (host.folder / "linked").mkdir()
    (host.folder / "linked" / "log").symlink_to("../untouched")
    answer = host.collect("linked", HANDLE)
    assert answer.status == 3 and answer.says("linked/log: not replaced, since it is not a regular file")
    assert not (host.folder / "untouched").exists()


@pytest.mark.parametrize("ak, nonce, options, text", [
    ("ak.pem", NONCE, (), "neither a persistent handle .* nor a saved context"),
    ("0x81010099", NONCE, (), "0x81010099"),
    (HANDLE, "", (), "1 to 32 expected"),
    (HANDLE, "abc", (), "not an even number"),
    (HANDLE, NONCE, ("--ima", "ima/nothing"), "ima/nothing"),
    (HANDLE, NONCE, ("--tcti", "swtpm:path=/nowhere"), "no TPM at swtpm:path=/nowhere"),
], ids=["a PEM for an AK", "no such handle", "no nonce", "half a byte", "no list", "no TPM"])
def test_nothing_is_collected_with(host, tmp_path, ak, nonce, options, text):
    answer = host.collect(tmp_path / "new", ak, *options, nonce=nonce)
    assert answer.status == 3 and answer.says(text), answer.text
    assert not (tmp_path / "new" / "manifest.json").exists()


# ---- What verify refuses

def test_saved_context_is_not_a_public_key(host, evidence, other_ak):
    answer = host.verify(evidence, ak="other.ctx")
    assert answer.status == 3 and answer.says("public key in PEM")


def test_nonce_has_to_be_given(host, verifier, evidence):
    answer = verifier.call("verify", "--evidence", evidence, "--ak", host.folder / "ak.pem")
    assert answer.status == 3 and answer.says("require each other")


def test_evidence_has_its_own_pcr_values(host, evidence, tmp_path):
    (tmp_path / "pcrs").write_bytes(host.tool("tpm2_pcrread"))
    answer = host.verify(evidence, "--pcrs", tmp_path / "pcrs")
    assert answer.status == 3 and answer.says("cannot be combined with --pcrs")


def test_manifest_that_is_cut_is_an_error_with_the_line(host, copy):
    path = copy / "manifest.json"
    path.write_bytes(path.read_bytes()[:500])
    answer = host.verify(copy)
    assert answer.status == 3 and answer.says("manifest.json: line [0-9]")


@pytest.fixture
def fifo(copy):
    """Evidence whose list would never end."""
    (copy / "log").unlink()
    os.mkfifo(copy / "log")
    return copy


@pytest.mark.timeout(120)
def test_list_that_is_not_a_regular_file_is_not_waited_for(host, fifo):
    answer = host.verify(fifo)
    assert answer.status == 3 and answer.says("/log: not a regular file")


def test_list_that_cannot_be_read_leaves_no_evidence(host, tmp_path):
    ima = tmp_path / "ima"
    shutil.copytree(host.ima, ima)
    (ima / "binary_runtime_measurements").unlink()
    (ima / "binary_runtime_measurements").mkdir()
    answer = host.collect(tmp_path / "out", HANDLE, "--ima", ima)
    assert answer.status == 3 and "the measurement list: read error" in answer.err, answer.text
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.timeout(120)
def test_part_of_a_list_that_is_not_a_regular_file_is_not_waited_for(host, evidence, fifo):
    answer = host.verify(fifo, evidence / "log")
    assert answer.status == 3 and answer.says("copy/log: not a regular file")


@pytest.mark.timeout(120)
def test_previous_manifest_that_is_not_a_regular_file_is_not_waited_for(host, evidence, fifo):
    (fifo / "manifest.json").unlink()
    os.mkfifo(fifo / "manifest.json")
    answer = host.verify(evidence, "--previous", fifo)
    assert answer.status == 3 and answer.says("copy/manifest.json: not a regular file")


@pytest.fixture
def secret(tmp_path):
    """A file that only the verifier can read."""
    path = tmp_path / "shadow"
    path.write_text("root:$6$SECRET:19000:0:99999:7:::\n", encoding="ascii")
    return path


@pytest.mark.parametrize("name", ["manifest.json", "log"])
def test_link_in_evidence_is_not_followed(host, copy, secret, name):
    (copy / name).unlink()
    (copy / name).symlink_to(secret)
    answer = host.verify(copy)
    assert answer.status == 3 and answer.says(f"copy/{name}: a symbolic link is not followed")
    assert "SECRET" not in answer.text


def test_link_to_genuine_evidence_is_not_followed(host, evidence, copy):
    (copy / "log").unlink()
    (copy / "log").symlink_to(evidence / "log")
    assert host.verify(copy).status == 3


def test_manifest_that_is_something_else_is_not_quoted(host, copy, secret):
    (copy / "manifest.json").write_bytes(secret.read_bytes())
    answer = host.verify(copy)
    assert answer.status == 3 and answer.says("manifest.json: line 1, column [0-9]+: not JSON")
    assert "SECRET" not in answer.text
