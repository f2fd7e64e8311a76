# SPDX-License-Identifier: GPL-2.0-only
"""
Enrollment with a real TPM implementation: its EKs are certified by a CA, the TPM opens the verifier's challenge, and
whoever has another TPM, another EK or another AK is refused. tpm2-tools make and open the same challenges.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lab import schema
from lab.ca import OpensslCa, SwtpmCa
from lab.host import HANDLE, NONCE, Host
from lab.tpm import LocalTpm

# Of the certificates that swtpm_setup writes, and where it keeps their keys
RSA, ECC = "0x01c00002", "0x01c00016"
KEPT = {RSA: "0x81010001", ECC: "0x81010016"}
# How tpm2_makecredential begins a file: magic and version
CREDENTIAL = bytes.fromhex("badcc0de" "00000001")

pytestmark = pytest.mark.usefixtures("tpm_tools")


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """It makes its own certificates when it certifies its first TPM."""
    found = SwtpmCa(tmp_path_factory.mktemp("ca"))
    with tempfile.TemporaryDirectory(prefix="tpm.") as name, LocalTpm(Path(name), ca=found):
        return found


@pytest.fixture(scope="module")
def host(verifier, tmp_path_factory, ca):
    """A machine whose EKs are certified, and which has evidence."""
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        host.must_collect("evidence")
        yield host


@pytest.fixture(scope="module")
def other(verifier, tmp_path_factory, ca):
    """Another machine, with a TPM of the same kind."""
    with Host(verifier, tmp_path_factory.mktemp("other"), ca=ca) as host:
        host.boot()
        host.must_create_ak("ak.pem")
        host.must_collect("evidence")
        yield host


class Steps:
    """The four steps of an enrollment, with files in a folder of its own."""

    def __init__(self, folder: Path, trusted: Path):
        self.folder, self.trusted = folder, trusted
        self.request, self.challenge, self.answer, self.pending, self.enrolled = (
            folder / f"{name}.json" for name in ("request", "challenge", "answer", "pending", "enrolled"))

    def ask(self, host, *options, ak=HANDLE):
        return host.enroll("--ak", ak, "--out", self.request, *options)

    def make_challenge(self, verifier):
        return verifier.call("challenge", "--request", self.request, "--ca", self.trusted, "--pending", self.pending,
                             "--out", self.challenge)

    def activate(self, host, *options, ak=HANDLE):
        return host.enroll("--ak", ak, "--activate", self.challenge, "--out", self.answer, *options)

    def complete(self, verifier):
        return verifier.call("challenge", "--answer", self.answer, "--pending", self.pending, "--out", self.enrolled)

    def must_be_challenged(self, host, *options, ak=HANDLE):
        for answer in (self.ask(host, *options, ak=ak), self.make_challenge(host.verifier)):
            assert answer.status == 0, answer.text
        return self

    def must_enroll(self, host, *options, ak=HANDLE):
        self.must_be_challenged(host, *options, ak=ak)
        for answer in (self.activate(host, *options, ak=ak), self.complete(host.verifier)):
            assert answer.status == 0, answer.text
        return self.enrolled


@pytest.fixture
def steps(tmp_path, ca):
    return Steps(tmp_path, ca.trusted)


@pytest.fixture(scope="module")
def enrolled(host, ca, tmp_path_factory):
    return Steps(tmp_path_factory.mktemp("enrolled"), ca.trusted).must_enroll(host)


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def edit(path, **members):
    path.write_text(json.dumps({**load(path), **members}), encoding="utf-8")


def verify(host, *options):
    return host.verifier.call("verify", "--evidence", "evidence", "--nonce", NONCE, *options, cwd=host.folder)


def is_empty(host):
    """Is nothing left in the TPM?"""
    kinds = ("handles-transient", "handles-loaded-session", "handles-saved-session")
    return [host.tool("tpm2_getcap", kind) for kind in kinds] == [b"", b"", b""]


# ---- Every kind of EK

@pytest.mark.parametrize("certificate", [RSA, ECC], ids=["rsa", "ecc"])
def test_ak_is_enrolled(host, steps, certificate):
    enrolled = load(steps.must_enroll(host, "--ek-cert", certificate))
    assert enrolled["ak"] == (host.folder / "ak.pem").read_text(encoding="ascii")
    assert enrolled["ek_issuer"] == "CN=swtpm-localca"
    assert is_empty(host)


@pytest.mark.parametrize("certificate", [RSA, ECC], ids=["rsa", "ecc"])
def test_ek_that_the_tpm_does_not_keep_is_made_from_its_template(verifier, tmp_path_factory, steps, ca, certificate):
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.must_create_ak("ak.pem")
        host.tool("tpm2_evictcontrol", "-c", KEPT[certificate])
        steps.must_enroll(host, "--ek-cert", certificate)
        assert is_empty(host)


POLICY_A = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
POLICY_B = {"sha256": bytes.fromhex("ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0"),
            "sha384": bytes.fromhex("b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4"
                                    "cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12")}
COMMON = "fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt"


def make_ek(host, folder, name_alg, key, policy, attributes, *options):
    """Make an EK with tpm2-tools; its public key, in PEM."""
    (folder / "policy").write_bytes(policy)
    host.tool("tpm2_createprimary", "-C", "e", "-g", name_alg, "-G", key, "-a", attributes, "-L", folder / "policy",
              "-c", folder / "ek.ctx", *options)
    host.tool("tpm2_readpublic", "-c", folder / "ek.ctx", "-f", "pem", "-o", folder / "ek.pem")
    host.tool("tpm2_flushcontext", "-t")
    return folder / "ek.pem"


@pytest.mark.parametrize("key, name_alg", [
    ("rsa2048:aes128cfb", "sha256"), ("ecc256:aes128cfb", "sha256"), ("ecc384:aes256cfb", "sha384"),
    ("rsa3072:aes256cfb", "sha384"),
], ids=["H-1", "H-2", "H-3", "H-6"])
@pytest.mark.parametrize("form", ["der", "pem"])
def test_ek_of_the_high_range_whose_certificate_is_in_a_file(host, steps, ca, key, name_alg, form):
    public = make_ek(host, steps.folder, name_alg, key, POLICY_B[name_alg], f"{COMMON}|userwithauth")
    certificate = ca.certify(public, steps.folder / "ek.der")
    if form == "pem":
        pem = subprocess.run(["openssl", "x509", "-inform", "der", "-in", certificate], stdout=subprocess.PIPE, check=True)
        certificate.write_bytes(pem.stdout)
    steps.must_enroll(host, "--ek-cert", certificate)
    assert is_empty(host)


def define(host, index, path):
    host.tool("tpm2_nvdefine", index, "-C", "o", "-s", str(path.stat().st_size), "-a", "ownerwrite|ownerread|authread")
    host.tool("tpm2_nvwrite", index, "-C", "o", "-i", path)


def test_ek_on_p256_whose_index_is_longer_than_the_certificate(host, steps, ca):
    host.tool("tpm2_createek", "-c", "ek.ctx", "-G", "ecc", "-u", "l2.pem", "-f", "pem")
    host.tool("tpm2_flushcontext", "-t")
    certificate = ca.certify(host.folder / "l2.pem", steps.folder / "ek.der")
    certificate.write_bytes(certificate.read_bytes() + 700 * b"\xff")
    define(host, "0x01c0000a", certificate)
    try:
        steps.must_enroll(host, "--ek-cert", "0x01c0000a")
    finally:
        host.tool("tpm2_nvundefine", "0x01c0000a", "-C", "o")


@pytest.fixture
def with_nonce(verifier, tmp_path, tmp_path_factory, ca):
    """A machine with a nonce for its RSA EK in the TPM, and that EK's certificate in a file."""
    with Host(verifier, tmp_path_factory.mktemp("host")) as host:
        host.must_create_ak("ak.pem")
        (tmp_path / "nonce").write_bytes(bytes(range(1, 65)))
        define(host, "0x01c00003", tmp_path / "nonce")
        # As the union in memory: size, buffer
        (tmp_path / "unique").write_bytes((256).to_bytes(2, "little") + bytes(range(1, 65)).ljust(256, b"\0"))
        public = make_ek(host, tmp_path, "sha256", "rsa2048:aes128cfb", POLICY_A, COMMON, "-u", tmp_path / "unique")
        ca.certify(public, tmp_path / "ek.der")
        yield host


def test_nonce_of_the_ek_is_used(with_nonce, steps):
    steps.must_enroll(with_nonce, "--ek-cert", steps.folder / "ek.der")


def test_template_in_the_tpm_is_used(verifier, tmp_path, tmp_path_factory, steps, ca):
    with Host(verifier, tmp_path_factory.mktemp("host")) as host:
        host.must_create_ak("ak.pem")
        public = make_ek(host, tmp_path, "sha256", "rsa2048:aes128cfb", POLICY_A, f"{COMMON}|noda",
                         "--template-data", tmp_path / "template")
        define(host, "0x01c00004", tmp_path / "template")
        steps.must_enroll(host, "--ek-cert", ca.certify(public, tmp_path / "ek.der"))


def test_index_that_is_no_template_is_an_error(verifier, tmp_path, tmp_path_factory, steps, ca):
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.must_create_ak("ak.pem")
        host.tool("tpm2_evictcontrol", "-c", KEPT[RSA])
        (tmp_path / "template").write_bytes(b"none")
        define(host, "0x01c00004", tmp_path / "template")
        answer = steps.ask(host)
        assert answer.status == 3 and answer.says("NV index 0x01c00004: not a template")


@pytest.mark.parametrize("algorithm", ["rsa", "rsapss"])
def test_ak_of_another_kind_is_enrolled(host, steps, algorithm):
    host.must_create_ak(steps.folder / "ak.pem", str(steps.folder / "ak.ctx"), "--ak-alg", algorithm)
    steps.must_enroll(host, ak=steps.folder / "ak.ctx")


def test_ak_of_tpm2_tools_is_enrolled(host, steps):
    host.tool("tpm2_createak", "-C", KEPT[RSA], "-c", steps.folder / "ak.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa")
    host.tool("tpm2_flushcontext", "-t")
    steps.must_enroll(host, ak=steps.folder / "ak.ctx")


def test_first_certificate_in_the_tpm_is_used(host, steps):
    assert steps.ask(host).status == 0
    first = host.tool("tpm2_nvread", RSA)
    assert first.startswith(bytes.fromhex(load(steps.request)["ek_certificate"]))


# ---- Authorization

@pytest.fixture(scope="module")
def owned(verifier, tmp_path_factory, ca):
    """A machine whose endorsement hierarchy and AK have authorization values."""
    with Host(verifier, tmp_path_factory.mktemp("owned"), ca=ca) as host:
        host.must_create_ak("mine.pem", "mine.ctx", "--ak-auth", "mine")
        host.tool("tpm2_changeauth", "-c", "e", "secret")
        yield host


def test_authorization_values_are_used(owned, steps):
    steps.must_enroll(owned, "--endorsement-auth", "secret", "--ak-auth", "mine", ak="mine.ctx")
    assert is_empty(owned)


@pytest.mark.parametrize("options, text", [
    (("--ak-auth", "mine"), "TPM2_PolicySecret: --endorsement-auth is missing"),
    (("--ak-auth", "mine", "--endorsement-auth", "guess"), "TPM2_PolicySecret: --endorsement-auth is wrong"),
    (("--endorsement-auth", "secret"), "TPM2_ActivateCredential: --ak-auth is missing"),
], ids=["no endorsement", "wrong endorsement", "no AK"])
def test_authorization_that_is_missing_is_named(owned, steps, options, text):
    steps.must_be_challenged(owned, ak="mine.ctx")
    answer = steps.activate(owned, *options, ak="mine.ctx")
    assert answer.status == 3 and answer.says(text), answer.text
    assert not steps.answer.exists() and is_empty(owned)


def test_ek_is_not_created_without_the_authorization_of_the_hierarchy(verifier, tmp_path_factory, steps, ca):
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.must_create_ak("ak.pem")
        host.tool("tpm2_evictcontrol", "-c", KEPT[RSA])
        host.tool("tpm2_changeauth", "-c", "e", "secret")
        answer = steps.ask(host)
        assert answer.status == 3 and answer.says("TPM2_CreatePrimary: --endorsement-auth is missing")
        assert steps.ask(host, "--endorsement-auth", "secret").status == 0
        assert is_empty(host)


# ---- tpm2-tools make and open the same challenges

@pytest.mark.parametrize("certificate", [RSA, ECC], ids=["rsa", "ecc"])
def test_challenge_is_one_for_tpm2_tools(host, verifier, steps, certificate):
    steps.must_be_challenged(host, "--ek-cert", certificate)
    challenge = load(steps.challenge)
    (steps.folder / "credential").write_bytes(CREDENTIAL + bytes.fromhex(challenge["credential"] + challenge["secret"]))
    session: list[str] = []
    if certificate == RSA:
        host.tool("tpm2_startauthsession", "--policy-session", "-S", "session.ctx")
        host.tool("tpm2_policysecret", "-S", "session.ctx", "-c", "e")
        session = ["-P", "session:session.ctx"]
    host.tool("tpm2_activatecredential", "-c", HANDLE, "-C", KEPT[certificate], "-i", steps.folder / "credential",
              "-o", steps.folder / "secret", *session)
    if session:
        host.tool("tpm2_flushcontext", "session.ctx")
    steps.answer.write_text(json.dumps({"format": "imatally-enrollment-answer", "version": 1,
                                        "answer": (steps.folder / "secret").read_bytes().hex()}), encoding="ascii")
    answer = steps.complete(verifier)
    assert answer.status == 0, answer.text


@pytest.mark.parametrize("certificate", [RSA, ECC], ids=["rsa", "ecc"])
def test_challenge_of_tpm2_tools_is_opened(host, steps, certificate):
    folder, secret = steps.folder, b"0123456789abcdef"
    (folder / "secret").write_bytes(secret)
    host.tool("tpm2_readpublic", "-c", KEPT[certificate], "-o", folder / "ek.pub")
    host.tool("tpm2_readpublic", "-c", HANDLE, "-n", folder / "name")
    host.tool("tpm2_makecredential", "-u", folder / "ek.pub", "-s", folder / "secret", "-n", (folder / "name").read_bytes().hex(),
              "-o", folder / "credential")
    host.tool("tpm2_flushcontext", "-t")
    made = (folder / "credential").read_bytes().removeprefix(CREDENTIAL)
    size = 2 + int.from_bytes(made[:2], "big")
    steps.challenge.write_text(json.dumps({"format": "imatally-enrollment-challenge", "version": 1,
                                           "credential": made[:size].hex(), "secret": made[size:].hex()}), encoding="ascii")
    answer = steps.activate(host, "--ek-cert", certificate)
    assert answer.status == 0, answer.text
    assert bytes.fromhex(load(steps.answer)["answer"]) == secret


# ---- Files

def test_files_follow_the_schema(host, steps):
    steps.must_be_challenged(host)
    pending = load(steps.pending)
    assert steps.activate(host).status == steps.complete(host.verifier).status == 0
    files = [load(path) for path in (steps.request, steps.challenge, steps.answer, steps.enrolled)]
    assert len({document["format"] for document in (*files, pending)}) == 5
    for document in (*files, pending):
        assert schema.errors(schema.closed(schema.load("enrollment")), document) == []


def test_name_of_the_ak_is_that_of_the_tpm(host, enrolled, tmp_path):
    host.tool("tpm2_readpublic", "-c", HANDLE, "-n", tmp_path / "name")
    assert load(enrolled)["ak_name"] == (tmp_path / "name").read_bytes().hex()


def test_certificate_is_described_as_openssl_does(host, enrolled, tmp_path):
    (tmp_path / "ek.der").write_bytes(host.tool("tpm2_nvread", RSA))
    shown = subprocess.run(["openssl", "x509", "-inform", "der", "-in", tmp_path / "ek.der", "-noout", "-serial",
                            "-fingerprint", "-sha256"], stdout=subprocess.PIPE, check=True, text=True).stdout
    found = load(enrolled)
    assert f"serial={found['ek_serial']}\n" in shown
    assert found["ek_certificate_sha256"] in shown.replace(":", "").lower()


@pytest.mark.parametrize("step, out", [("ask", "request"), ("make_challenge", "pending"), ("make_challenge", "challenge"),
                                       ("activate", "answer"), ("complete", "enrolled")])
def test_file_is_not_overwritten(host, verifier, steps, step, out):
    steps.must_be_challenged(host)
    path = getattr(steps, out)
    if step == "make_challenge":
        steps.pending.unlink()
        steps.challenge.unlink()
    if step == "complete":
        assert steps.activate(host).status == 0
    path.write_text("precious", encoding="ascii")
    answer = getattr(steps, step)(verifier if step in ("make_challenge", "complete") else host)
    assert answer.status == 3 and path.read_text(encoding="ascii") == "precious", answer.text
    # a challenge without the file for its answer is of no use, and the other way round
    assert step != "make_challenge" or steps.pending.exists() + steps.challenge.exists() == 1
    # the answer is not used up
    assert step != "complete" or steps.pending.exists()


@pytest.mark.parametrize("step, name", [("make_challenge", "request"), ("activate", "challenge"), ("complete", "answer")])
@pytest.mark.parametrize("kind", ["link", "fifo"])
@pytest.mark.timeout(120)
def test_file_of_the_other_side_is_a_regular_one(host, verifier, steps, step, name, kind):
    steps.must_enroll(host)
    steps.pending.write_text(json.dumps({**load(steps.enrolled), "format": "imatally-enrollment-pending",
                                         "answer_sha256": 64 * "0"}), encoding="ascii")
    path = getattr(steps, name)
    aside = path.rename(steps.folder / "aside")
    if kind == "link":
        path.symlink_to(aside)
    else:
        os.mkfifo(path)
    for old in (steps.enrolled, *([steps.answer] if name != "answer" else [])):
        old.unlink()
    answer = getattr(steps, step)(host if step == "activate" else verifier)
    assert answer.status == 3 and answer.says("a symbolic link is not followed" if kind == "link" else "not a regular file")


# ---- Who is refused: another TPM, another EK, another AK

def is_refused(answer, reason):
    return answer.status == 4 and answer.says(f"refused: {reason}")


def test_tpm_with_another_ek_does_not_open_the_challenge(host, other, steps):
    """The machine hands in the certificate of another machine's TPM."""
    steps.must_be_challenged(host)
    stolen = Steps(steps.folder / "stolen", steps.trusted)
    stolen.folder.mkdir()
    assert stolen.ask(other).status == 0
    edit(steps.request, ek_certificate=load(stolen.request)["ek_certificate"])
    steps.pending.unlink()
    steps.challenge.unlink()
    assert steps.make_challenge(host.verifier).status == 0
    answer = steps.activate(host)
    assert answer.status == 3 and answer.says("the challenge is for another AK, another EK or another TPM"), answer.text
    assert not steps.answer.exists() and is_empty(host)


def test_tpm_without_the_ak_does_not_open_the_challenge(host, other, steps):
    """The machine hands in an AK of another machine, with its own EK."""
    steps.must_be_challenged(other)
    mine = Steps(steps.folder / "mine", steps.trusted)
    mine.folder.mkdir()
    assert mine.ask(host).status == 0
    edit(mine.request, ak_public=load(steps.request)["ak_public"])
    assert mine.make_challenge(host.verifier).status == 0
    answer = mine.activate(host)
    assert answer.status == 3 and answer.says("the challenge is for another AK"), answer.text
    assert not mine.answer.exists() and is_empty(host)


def test_certificate_of_another_tpm_is_noticed_on_the_machine(host, other, steps):
    (steps.folder / "ek.der").write_bytes(other.tool("tpm2_nvread", RSA))
    answer = steps.ask(host, "--ek-cert", steps.folder / "ek.der")
    assert answer.status == 3 and answer.says("the EK certificate is not of a key that this TPM keeps or makes")
    assert is_empty(host)


def test_certificate_is_of_no_use_when_the_seed_was_changed(verifier, tmp_path_factory, steps, ca):
    with Host(verifier, tmp_path_factory.mktemp("host"), ca=ca) as host:
        host.tool("tpm2_changeeps")
        host.must_create_ak("ak.pem")
        answer = steps.ask(host)
        assert answer.status == 3 and answer.says("its endorsement seed was changed")


def test_evidence_of_another_ak_is_not_authentic(host, other, enrolled):
    answer = verify(other, "--enrolled", enrolled)
    assert answer.status == 4 and answer.says("the signature is not by this AK")


# ---- A challenge is answered once, and by its answer alone

def test_answer_to_an_earlier_challenge_is_refused(host, verifier, steps):
    steps.must_be_challenged(host)
    assert steps.activate(host).status == 0
    for old in (steps.pending, steps.challenge):
        old.unlink()
    assert steps.make_challenge(verifier).status == 0
    assert is_refused(steps.complete(verifier), "the answer is not that to this challenge")
    assert not steps.enrolled.exists()


def test_answer_is_not_accepted_again(host, verifier, steps):
    steps.must_enroll(host)
    steps.enrolled.unlink()
    answer = steps.complete(verifier)
    assert answer.status == 3 and answer.says("it is deleted with the first right answer, which is not accepted again")
    assert not steps.enrolled.exists()


def test_wrong_answer_leaves_the_right_one_valid(host, verifier, steps):
    steps.must_be_challenged(host)
    assert steps.activate(host).status == 0
    right = load(steps.answer)["answer"]
    edit(steps.answer, answer=32 * "00")
    assert is_refused(steps.complete(verifier), "the answer is not that to this challenge")
    edit(steps.answer, answer=right)
    assert steps.complete(verifier).status == 0


def test_pending_enrollment_does_not_hold_the_answer(host, steps):
    steps.must_be_challenged(host)
    assert steps.activate(host).status == 0
    assert load(steps.answer)["answer"] not in steps.pending.read_text(encoding="ascii")


def test_challenge_that_is_changed_is_not_opened(host, steps):
    steps.must_be_challenged(host)
    challenge = load(steps.challenge)
    for member in ("credential", "secret"):
        last = challenge[member][:-1] + f"{int(challenge[member][-1], 16) ^ 1:x}"
        edit(steps.challenge, **{**challenge, member: last})
        answer = steps.activate(host)
        assert answer.status == 3 and answer.says("the challenge is for another AK, another EK or another TPM"), answer.text
    edit(steps.challenge, **{**challenge, "secret": challenge["secret"] + "00"})
    assert steps.activate(host).says("the challenge is malformed")
    assert is_empty(host)


# ---- What the verifier does not trust

def refusal(steps, verifier, reason):
    answer = steps.make_challenge(verifier)
    assert is_refused(answer, reason), answer.text
    assert not steps.pending.exists() and not steps.challenge.exists()


@pytest.mark.parametrize("missing, issuer", [("certificate.pem", "swtpm-localca"), ("swtpm-localca-rootca-cert.pem", "swtpm-localca-rootca")])
def test_chain_has_to_be_whole(host, verifier, steps, ca, missing, issuer):
    steps.trusted = shutil.copytree(ca.trusted, steps.folder / "trusted")
    (steps.trusted / missing).unlink()
    assert steps.ask(host).status == 0
    refusal(steps, verifier, f'the EK certificate: the CA certificates do not include that of "CN={issuer}"')


@pytest.fixture
def of_own_ca(host, steps):
    """Have another CA certify the EK; call it with that CA."""
    def certify(own, **options):
        host.tool("tpm2_readpublic", "-c", KEPT[RSA], "-f", "pem", "-o", steps.folder / "ek.pem")
        steps.trusted = own.trusted
        assert steps.ask(host, "--ek-cert", own.certify(steps.folder / "ek.pem", steps.folder / "ek.der", **options)).status == 0
    return certify


def test_other_ca_is_trusted_if_the_verifier_says_so(host, verifier, steps, of_own_ca, ca, tmp_path):
    of_own_ca(OpensslCa(tmp_path / "own"))
    assert steps.make_challenge(verifier).status == 0
    for old in (steps.pending, steps.challenge):
        old.unlink()
    steps.trusted = ca.trusted
    refusal(steps, verifier, 'the EK certificate: the CA certificates do not include that of "CN=a CA"')


@pytest.mark.parametrize("start, end, reason", [
    ("20200101000000Z", "20210101000000Z", "certificate has expired"),
    ("99990101000000Z", "99991231235959Z", "certificate is not yet valid"),
], ids=["expired", "not yet valid"])
def test_chain_has_to_be_valid_now(verifier, steps, of_own_ca, tmp_path, start, end, reason):
    of_own_ca(OpensslCa(tmp_path / "own", start, end))
    refusal(steps, verifier, rf'the EK certificate: {reason} \("CN=a CA", 1 above it\)')


def test_certificate_has_to_be_one_for_an_ek(verifier, steps, of_own_ca, tmp_path):
    of_own_ca(OpensslCa(tmp_path / "own"), usage="clientAuth")
    refusal(steps, verifier, "the EK certificate: it is not for an EK")


@pytest.mark.parametrize("attributes, reason", [
    ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign", "it is not restricted"),
    ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|sign", "it is not restricted"),
    ("sensitivedataorigin|userwithauth|restricted|sign", "it is not fixedTPM"),
], ids=["not restricted", "decrypts too", "may leave"])
def test_key_that_is_no_ak_is_refused(host, verifier, steps, attributes, reason):
    scheme = "rsa2048" if "decrypt" in attributes else "rsa2048:rsassa-sha256:null"
    host.tool("tpm2_createprimary", "-C", "e", "-G", scheme, "-a", attributes, "-c", steps.folder / "key.ctx")
    host.tool("tpm2_flushcontext", "-t")
    assert steps.ask(host, ak=steps.folder / "key.ctx").status == 0
    refusal(steps, verifier, f"the AK: {reason}")


@pytest.mark.parametrize("name, text, message", [
    ("", "", "no certificates in this directory"),
    ("ca/README", "read me", "README: no certificate, neither in PEM nor in DER"),
], ids=["empty", "other file"])
def test_folder_of_cas_has_certificates_and_nothing_else(host, verifier, steps, name, text, message):
    (steps.folder / "ca").mkdir()
    steps.trusted = steps.folder / "ca"
    if name:
        (steps.folder / name).write_text(text, encoding="ascii")
    assert steps.ask(host).status == 0
    answer = steps.make_challenge(verifier)
    assert answer.status == 3 and answer.says(message)


# ---- What the machine lacks

def test_tpm_without_a_certificate_is_told(verifier, tmp_path_factory, steps):
    with Host(verifier, tmp_path_factory.mktemp("host")) as host:
        host.must_create_ak("ak.pem")
        answer = steps.ask(host)
        assert answer.status == 3 and answer.says("the TPM holds no EK certificate.*--ek-cert")
        answer = steps.ask(host, "--ek-cert", RSA)
        assert answer.status == 3 and answer.says(f"NV index {RSA}")


def test_file_that_is_no_certificate_is_an_error(host, steps):
    answer = steps.ask(host, "--ek-cert", "ak.pem")
    assert answer.status == 3 and answer.says("ak.pem: not an X.509 certificate")


# ---- Evidence of an AK that is enrolled

def test_evidence_verifies_with_the_enrollment(host, enrolled):
    answer = verify(host, "--enrolled", enrolled, "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    assert answer.says(f"in the TPM with the EK sha256:{load(enrolled)['ek_sha256']}$")


def test_answer_says_which_tpm_signed(host, enrolled):
    answer = verify(host, "--enrolled", enrolled, "--json")
    assert schema.errors(schema.load("result"), answer.json) == []
    found = load(enrolled)
    assert answer.json["signer"]["enrolled"] == {name: found[name] for name in ("ek_sha256", "ek_certificate_sha256", "ek_issuer",
                                                                               "ek_serial", "time")}


def test_page_says_which_tpm_signed(host, enrolled, tmp_path):
    assert verify(host, "--enrolled", enrolled, "--html", tmp_path / "page.html").status == 0
    assert f"in the TPM with the EK sha256:{load(enrolled)['ek_sha256']}" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_ak_alone_names_no_tpm(host):
    answer = verify(host, "--ak", "ak.pem", "--json")
    assert answer.json["signer"]["enrolled"] is None
    assert schema.errors(schema.load("result"), answer.json) == []


def test_directory_has_an_enrollment_for_each_machine(host, other, enrolled, steps):
    (steps.folder / "keys").mkdir()
    for machine, name in ((host, "one"), (other, "two")):
        shutil.copytree(machine.folder / "evidence", steps.folder / name)
    shutil.copy(enrolled, steps.folder / "keys" / "one.json")
    shutil.copy(Steps(steps.folder, steps.trusted).must_enroll(other), steps.folder / "keys" / "two.json")
    answer = host.verifier.call("verify", "--jobs", "1", "--enrolled", "keys", "--nonce", NONCE, "one", "two", cwd=steps.folder)
    assert (answer.status, answer.out.splitlines()[:2]) == (0, ["one: complete", "two: complete"]), answer.text


def test_enrollment_that_is_pending_is_refused(host, steps):
    steps.must_be_challenged(host)
    answer = verify(host, "--enrolled", steps.pending)
    assert answer.status == 3 and answer.says('"format" is not "imatally-enrollment"')


def test_enrollment_without_a_key_is_an_error(host, enrolled, tmp_path):
    shutil.copy(enrolled, tmp_path / "enrolled")
    edit(tmp_path / "enrolled", ak="no key")
    answer = verify(host, "--enrolled", tmp_path / "enrolled")
    assert answer.status == 3 and answer.says("public key in PEM")


def test_ak_is_given_once(host, enrolled):
    answer = verify(host, "--enrolled", enrolled, "--ak", "ak.pem")
    assert answer.status == 3 and answer.says("--ak and --enrolled cannot be combined")
