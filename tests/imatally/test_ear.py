# SPDX-License-Identifier: GPL-2.0-only
"""
Attestation results: PyJWT accepts the signature of every kind of key, the claims are those of the schema and of the table
in the manual page, and nothing is claimed of what was not proved.
"""

import base64
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import ear
from lab.ca import SwtpmCa, openssl
from lab.host import HANDLE, NONCE, Host
from lab.tpm import LocalTpm
from lab.verifier import VECTORS
from model import entries

pytest.importorskip("jwt", reason="python3-jwt is not installed")

LIST, PCRS = VECTORS / "kexec-complete" / "list", VECTORS / "kexec-complete" / "pcrs"
UNSIGNED = ["--ear", "ear.jwt", "--ear-unsigned"]


@pytest.fixture(scope="session", params=ear.KEYS)
def key(request, tmp_path_factory):
    """A private key, in a file called after the algorithm."""
    return ear.make_key(*ear.KEYS[request.param], tmp_path_factory.mktemp("key") / f"{request.param}.pem")


@pytest.fixture
def verify(verifier, tmp_path):
    """Verify with options, in a folder of its own; returns the answer and the token, or None."""
    def verify(*options, **popen):
        answer = verifier.call("verify", *options, cwd=tmp_path, **popen)
        token = tmp_path / "ear.jwt"
        return answer, token.read_text(encoding="ascii") if token.exists() else None
    return verify


# ---- The token

def signed_with(path):
    return ["--ear", "ear.jwt", "--ear-key", path]


def test_signature_is_accepted(verify, key):
    answer, token = verify(LIST, "--pcrs", PCRS, *signed_with(key))
    assert answer.status == 0, answer.text
    assert ear.claims(token, ear.public(key), key.stem)["submods"]["ima"]["ear_status"] == "none"


def test_changed_claims_are_not_accepted(verify, key):
    import jwt

    _, token = verify(LIST, "--pcrs", PCRS, *signed_with(key))
    header, payload, signature = token.split(".")
    text = base64.urlsafe_b64decode(payload + "==").replace(b"none", b"warn")
    other = ".".join([header, base64.urlsafe_b64encode(text).decode().rstrip("="), signature])
    with pytest.raises(jwt.InvalidSignatureError):
        ear.claims(other, ear.public(key), key.stem)


def test_header_names_algorithm_key_and_type(verify, key):
    import jwt

    _, token = verify(LIST, "--pcrs", PCRS, *signed_with(key))
    der = openssl("pkey", "-pubin", "-in", key.with_suffix(".pub"), "-outform", "der")
    assert jwt.get_unverified_header(token) == {"alg": key.stem, "typ": "eat+jwt", "kid": hashlib.sha256(der).hexdigest()}


def test_key_may_come_from_standard_input(verify, key):
    with open(key, "rb") as stdin:
        answer, token = verify(LIST, "--pcrs", PCRS, *signed_with("-"), stdin=stdin)
    assert answer.status == 0 and ear.claims(token, ear.public(key), key.stem)


def test_without_a_signature_it_says_so(verify):
    answer, token = verify(LIST, "--pcrs", PCRS, *UNSIGNED)
    assert answer.status == 0 and ear.claims(token)


def test_time_is_that_of_the_run(verify):
    before = int(time.time())
    found = ear.claims(verify(LIST, "--pcrs", PCRS, *UNSIGNED)[1])
    assert before <= found["iat"] <= time.time()


# ---- Options and keys that are refused, before anything is written

@pytest.mark.parametrize("options, text", [
    (["--ear", "ear.jwt"], "--ear requires either --ear-key or --ear-unsigned"),
    (["--ear", "ear.jwt", "--ear-key", "none", "--ear-unsigned"], "--ear requires either --ear-key or --ear-unsigned"),
    (["--ear-key", "none"], "--ear-key and --ear-unsigned require --ear"),
    (["--ear-unsigned"], "--ear-key and --ear-unsigned require --ear"),
    (["--ear", "ear.jwt", "--ear-key", "none"], "none: No such file or directory"),
    (["--ear", "ear.jwt", "--ear-key", PCRS], "pcrs: not a private key in PEM without a passphrase"),
])
def test_options_are_refused(verify, options, text):
    answer, token = verify(LIST, "--pcrs", PCRS, *options)
    assert answer.status == 3 and text in answer.err and token is None


def test_many_lists_have_no_attestation_result(verify):
    answer, token = verify("--jobs", "1", LIST.parent, *UNSIGNED)
    assert answer.status == 3 and answer.says("--jobs cannot be combined with .*--ear") and token is None


@pytest.mark.parametrize("kind, option, text", [
    ("EC", "ec_paramgen_curve:P-521", "a key of P-256, P-384, RSA, RSASSA-PSS or Ed25519 expected"),
    ("X25519", None, "a key of P-256, P-384, RSA, RSASSA-PSS or Ed25519 expected"),
    ("RSA", "rsa_keygen_bits:1024", "an RSA key of 1024 bits, at least 2048 expected"),
    ("RSA-PSS", "rsa_keygen_bits:1024", "an RSA key of 1024 bits, at least 2048 expected"),
])
def test_key_is_refused(verify, tmp_path, kind, option, text):
    key = ear.make_key(kind, option, tmp_path / "key.pem")
    answer, token = verify(LIST, "--pcrs", PCRS, *signed_with(key))
    assert answer.status == 3 and text in answer.err and token is None


def test_public_key_is_refused(verify, key):
    answer, token = verify(LIST, "--pcrs", PCRS, *signed_with(key.with_suffix(".pub")))
    assert answer.status == 3 and answer.says("not a private key") and token is None


def test_passphrase_is_not_asked_for(verify, key, tmp_path):
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", tmp_path / "locked.pem")
    answer, token = verify(LIST, "--pcrs", PCRS, *signed_with(tmp_path / "locked.pem"))
    assert answer.status == 3 and answer.says("locked.pem: not a private key in PEM without a passphrase") and token is None


def test_key_for_another_hash_cannot_sign(verify, tmp_path):
    key = tmp_path / "key.pem"
    openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_pss_keygen_md:sha512",
            "-out", key)
    answer, token = verify(LIST, "--pcrs", PCRS, *signed_with(key))
    assert answer.status == 3 and answer.says("libcrypto failed to sign") and token is None


def test_older_result_is_replaced(verify, tmp_path):
    (tmp_path / "ear.jwt").write_text("older", encoding="ascii")
    assert ear.claims(verify(LIST, "--pcrs", PCRS, *UNSIGNED)[1])


def test_older_result_is_kept_if_the_options_are_wrong(verify, tmp_path):
    (tmp_path / "ear.jwt").write_text("older", encoding="ascii")
    assert verify(LIST, "--pcrs", PCRS, *UNSIGNED, "--no-option")[1] == "older"


def test_disk_that_is_not_written_is_an_error(verify):
    answer, _ = verify(LIST, "--pcrs", PCRS, "--ear", "none/ear.jwt", "--ear-unsigned")
    assert answer.status == 3 and answer.says("none/ear.jwt: No such file or directory")


# ---- The claims of every verdict, for each who may have signed: as the table in the manual page has them

@dataclass(frozen=True)
class Machine:
    """A host with evidence of a list that has records, and of one that has none."""
    host: Host
    enrolled: Path

    def options(self, signer: str, evidence: Path, nonce: str = NONCE) -> list[str | Path]:
        key = self.enrolled if signer == "--enrolled" else self.host.folder / "ak.pem"
        return ["--evidence", evidence, signer, key, "--nonce", nonce]


def enroll(host: Host, ca: SwtpmCa, folder: Path) -> Path:
    request, challenge, answer, pending, enrolled = (folder / name for name in (
        "request", "challenge", "answer", "pending", "enrolled"))
    call = host.verifier.call
    for done in (host.enroll("--ak", HANDLE, "--out", request),
                 call("challenge", "--request", request, "--ca", ca.trusted, "--pending", pending, "--out", challenge),
                 host.enroll("--ak", HANDLE, "--activate", challenge, "--out", answer),
                 call("challenge", "--answer", answer, "--pending", pending, "--out", enrolled)):
        assert done.status == 0, done.text
    return enrolled


@pytest.fixture(scope="module")
def machine(verifier, tpm_tools, tmp_path_factory):
    ca = SwtpmCa(tmp_path_factory.mktemp("ca"))
    with tempfile.TemporaryDirectory(prefix="tpm.") as name, LocalTpm(Path(name), ca=ca):
        pass
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.must_create_ak("ak.pem")
        stock(host)
        host.must_collect("stock")
        host.power_cycle()
        host.boot()
        host.must_collect("evidence")
        yield Machine(host, enroll(host, ca, tmp_path_factory.mktemp("enrollment")))


def stock(host: Host) -> None:
    """A kernel without the series boots and measures."""
    host.ima.mkdir()
    found = [entries.of_buffer(10, name, b"x") for name in (b"boot_aggregate", b"file")]
    (host.ima / "binary_runtime_measurements").write_bytes(b"".join(entry.binary() for entry in found))
    for entry in found:
        host.tool("tpm2_pcrextend", "10:" + ",".join(
            f"{alg}={entries.digest_of(alg, entry.data).hex()}" for alg in ("sha1", "sha256")))


@dataclass(frozen=True)
class Given:
    """What is verified: evidence, the nonce that it is to answer, and more options."""
    folder: Path
    nonce: str = NONCE
    more: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        return self.folder / "log"


def without_the_counter(given: Given) -> None:
    manifest = json.loads((given.folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["counter"]
    (given.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def without_the_first_entry(given: Given) -> None:
    data = given.log.read_bytes()
    given.log.write_bytes(data[data.index(b"\n\0\0\0", 4):])


def edited(given: Given) -> None:
    given.log.write_bytes(given.log.read_bytes().replace(b"file2", b"filE2"))


def cut(given: Given) -> None:
    given.log.write_bytes(given.log.read_bytes()[:-1])


# By the rows of the table: the evidence, what is done to it, and the verdict
ROWS = {
    "complete": ("evidence", None, "complete"),
    "complete_not_counted": ("stock", None, "complete_not_counted"),
    "either, with findings": ("evidence", without_the_counter, "complete"),
    "incomplete": ("evidence", without_the_first_entry, "incomplete"),
    "mismatch, boot only": ("evidence", None, "mismatch"),
    "mismatch": ("evidence", edited, "mismatch"),
    "not_authentic": ("evidence", None, "not_authentic"),
    "error": ("evidence", cut, "error"),
}


def test_table_has_all_verdicts():
    assert list(ear.policy()) == list(ROWS)


# Options of some
MORE = {"either, with findings": ("--strict",), "mismatch, boot only": ("--boot-pcrs", "known")}


@pytest.fixture
def known(tmp_path):
    """A value of PCR 0 that no machine has here."""
    (tmp_path / "known").write_text(f"sha256:\n  0 : 0x{'01' * 32}\n", encoding="ascii")


@pytest.fixture(params=ROWS)
def row(request, machine, known, tmp_path):
    """The name of a row, what is given, and the verdict."""
    name, change, verdict = ROWS[request.param]
    given = Given(shutil.copytree(machine.host.folder / name, tmp_path / "given"),
                  "ff" + NONCE[2:] if verdict == "not_authentic" else NONCE,
                  MORE.get(request.param, ()))
    if change:
        change(given)
    return request.param, given, verdict


def vector(claims: dict) -> str:
    found = claims["submods"]["ima"]["ear_trustworthiness_vector"]
    return f"{found['instance-identity']} {found['executables']} {found['hardware']}"


@pytest.mark.parametrize("column", ["--ak", "--enrolled"])
def test_claims_of_evidence(verify, machine, row, column):
    name, given, verdict = row
    _, token = verify(*machine.options(column, given.folder, given.nonce), *given.more, *UNSIGNED)
    claims = ear.claims(token)
    appraisal = claims["submods"]["ima"]
    assert appraisal["ear_verifier_claims"]["imatally"]["verdict"] == verdict
    _, by_ak, enrolled, status = ear.policy()[name]
    assert (vector(claims), appraisal["ear_status"]) == (enrolled if column == "--enrolled" else by_ak, status)


UNSIGNED_ROWS = {
    "complete": ("kexec-complete", None, "complete"),
    "complete_not_counted": ("no-records", None, "complete_not_counted"),
    "either, with findings": ("unexplained", None, "complete"),
    "incomplete": ("kexec-overflow", None, "incomplete"),
    "mismatch, boot only": ("kexec-complete", None, "mismatch"),
    "mismatch": ("extended-by-others", None, "mismatch"),
    "error": ("kexec-complete", cut, "error"),
}


@pytest.mark.parametrize("name", UNSIGNED_ROWS)
def test_claims_of_values_that_nobody_signed(verify, known, tmp_path, name):
    vector_name, change, verdict = UNSIGNED_ROWS[name]
    folder = shutil.copytree(VECTORS / vector_name, tmp_path / "given")
    (folder / "list").rename(folder / "log")
    if change:
        change(Given(folder))
    _, token = verify(folder / "log", "--pcrs", folder / "pcrs", *MORE.get(name, ()), *UNSIGNED)
    claims = ear.claims(token)
    appraisal = claims["submods"]["ima"]
    unsigned, _, _, status = ear.policy()[name]
    assert appraisal["ear_verifier_claims"]["imatally"]["verdict"] == verdict
    assert (vector(claims), appraisal["ear_status"]) == (unsigned, status)


def test_findings_count_with_strict_only(verify):
    given = VECTORS / "unexplained"
    appraisals = [ear.claims(verify(given / "list", "--pcrs", given / "pcrs", *strict, *UNSIGNED)[1])["submods"]["ima"]
                  for strict in ([], ["--strict"])]
    assert [one["ear_status"] for one in appraisals] == ["none", "warning"]
    assert [one["ear_appraisal_policy_ids"] for one in appraisals] == [["imatally-ear-1"], ["imatally-ear-1-strict"]]
    assert all(one["ear_verifier_claims"]["imatally"]["has_findings"] for one in appraisals)


# ---- Whose evidence it is

def appraisal_of(verify, machine, column, *options, evidence="evidence", nonce=NONCE):
    answer, token = verify(*machine.options(column, machine.host.folder / evidence, nonce), *options, *UNSIGNED, "--json")
    return answer.json, ear.claims(token)["submods"]["ima"]


@pytest.mark.parametrize("column", ["--ak", "--enrolled"])
def test_keys_are_those_of_the_answer(verify, machine, column):
    answer, appraisal = appraisal_of(verify, machine, column)
    found = appraisal["ear_verifier_claims"]["imatally"]
    assert found["ak_sha256"] == answer["signer"]["ak_sha256"]
    assert found.get("ek_sha256") == (answer["signer"]["enrolled"] or {}).get("ek_sha256")


@pytest.mark.parametrize("column", ["--ak", "--enrolled"])
def test_figures_are_those_of_the_answer(verify, machine, column):
    answer, appraisal = appraisal_of(verify, machine, column)
    found = appraisal["ear_verifier_claims"]["imatally"]
    assert {name: answer[name] for name in found.keys() & answer.keys()} == {
        name: value for name, value in found.items() if name in answer}


def test_nonce_is_the_one_that_the_evidence_answers(verify, machine):
    _, appraisal = appraisal_of(verify, machine, "--ak")
    assert base64.urlsafe_b64decode(appraisal["eat_nonce"] + "==").hex() == NONCE


def test_nonce_that_was_not_answered_is_not_claimed(verify, machine):
    _, appraisal = appraisal_of(verify, machine, "--ak", nonce="ff" + NONCE[2:])
    assert "eat_nonce" not in appraisal


def test_nonce_that_is_too_short_for_an_eat_is_left_out(verify, machine):
    machine.host.must_collect("short", nonce="00112233445566")
    answer, appraisal = appraisal_of(verify, machine, "--ak", evidence="short", nonce="00112233445566")
    assert answer["verdict"] == "complete" and "eat_nonce" not in appraisal



def test_umask_applies(verify, tmp_path):
    old = os.umask(0o027)
    try:
        verify(LIST, "--pcrs", PCRS, *UNSIGNED)
    finally:
        os.umask(old)
    assert (tmp_path / "ear.jwt").stat().st_mode & 0o777 == 0o640
