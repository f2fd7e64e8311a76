# SPDX-License-Identifier: GPL-2.0-only
"""Attestation results as a relying party reads them, with PyJWT: nothing here is shared with the verifier."""

from pathlib import Path

from lab import schema
from lab.ca import openssl
from lab.verifier import SOURCE

# Kinds of keys, by the algorithm that they sign with: what "openssl genpkey" takes
KEYS = {
    "ES256": ("EC", "ec_paramgen_curve:P-256"),
    "ES384": ("EC", "ec_paramgen_curve:P-384"),
    "RS256": ("RSA", "rsa_keygen_bits:2048"),
    "PS256": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "EdDSA": ("ED25519", None),
}


def make_key(kind: str, option: str | None, path: Path) -> Path:
    """Write a private key, and its public key to the same name with .pub."""
    options = ("-pkeyopt", option) if option else ()
    openssl("genpkey", "-algorithm", kind, *options, "-out", path)
    openssl("pkey", "-in", path, "-pubout", "-out", path.with_suffix(".pub"))
    return path


def public(path: Path):
    """The public key to a private one, as PyJWT wants it."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(path.read_bytes(), None)
    return key.public_key()


def claims(token: str, key=None, algorithm: str | None = None) -> dict:
    """Of a token whose signature is right, or which says that it has none. They follow the schema."""
    import jwt

    if key:
        found = jwt.decode(token, key, algorithms=[algorithm])
    else:
        assert jwt.get_unverified_header(token)["alg"] == "none" and token.endswith(".")
        found = jwt.decode(token, options={"verify_signature": False})
    assert schema.errors(schema.closed(schema.load("ear")), found) == []
    return found


def policy() -> dict[str, list[str]]:
    """The table in the manual page: by verdict, the claims in each column, and the status."""
    page = (SOURCE / "man" / "imatally-ear.5").read_text(encoding="utf-8").replace("\\-", "-")
    lines = page.partition("\nverdict  ")[2].partition(".RE")[0].splitlines()
    found = {}
    for line in lines[1:]:
        name, (*numbers, status) = line[:22].strip(), line[22:].split()
        found[name] = [*(" ".join(numbers[at:at + 3]) for at in range(0, len(numbers), 3)), status]
    return found
