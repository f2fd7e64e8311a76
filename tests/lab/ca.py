# SPDX-License-Identifier: GPL-2.0-only
"""CAs that certify endorsement keys (EKs): swtpm's own, and ones of openssl."""

import subprocess
from pathlib import Path

EK_USAGE = "2.23.133.8.1"


def openssl(*args: str | Path, **popen) -> bytes:
    done = subprocess.run(["openssl", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **popen)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


class Ca:
    """@certificate and @key are files, in PEM; @trusted has the certificates that a verifier has to trust, and no others."""

    def __init__(self, folder: Path):
        self.folder, self.trusted = folder, folder / "trusted"
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        self.trusted.mkdir(parents=True)

    def certify(self, public: Path, out: Path, usage: str = EK_USAGE) -> Path:
        """Write a certificate of the key in the file @public to @out, in DER."""
        extensions = self.folder / "extensions"
        extensions.write_text(f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\n", encoding="ascii")
        openssl("x509", "-new", "-force_pubkey", public, "-subj", "/CN=a TPM", "-days", "1", "-CA", self.certificate,
                "-CAkey", self.key, "-extfile", extensions, "-outform", "der", "-out", out)
        return out


class OpensslCa(Ca):
    """A CA without others above it, valid from one time to another, which are as openssl-ca has them."""

    def __init__(self, folder: Path, start: str = "20200101000000Z", end: str = "99991231235959Z"):
        super().__init__(folder)
        (folder / "config").write_text("""\
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[extensions]
basicConstraints = critical,CA:TRUE
""", encoding="ascii")
        (folder / "index").write_text("", encoding="ascii")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-subj", "/CN=a CA", "-out", folder / "request")
        openssl("ca", "-batch", "-notext", "-selfsign", "-config", "config", "-startdate", start, "-enddate", end,
                "-keyfile", self.key, "-in", "request", "-out", self.certificate, cwd=folder)
        (self.trusted / "ca.pem").write_bytes(self.certificate.read_bytes())


class SwtpmCa(Ca):
    """The CA that swtpm_localca makes when the first TPM is certified: an intermediate one, and its root."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        # For swtpm_setup
        self.config = folder / "swtpm_setup.conf"
        options, localca = folder / "options", folder / "localca.conf"
        options.write_text("", encoding="ascii")
        localca.write_text(f"statedir = {folder}\nsigningkey = {self.key}\nissuercert = {self.certificate}\n"
                           f"certserial = {folder}/serial\n", encoding="ascii")
        self.config.write_text(f"create_certs_tool = swtpm_localca\ncreate_certs_tool_config = {localca}\n"
                               f"create_certs_tool_options = {options}\n", encoding="ascii")

    def collect(self) -> None:
        """The certificates are there: let them be trusted."""
        for path in (self.certificate, self.folder / "swtpm-localca-rootca-cert.pem"):
            (self.trusted / path.name).write_bytes(path.read_bytes())
