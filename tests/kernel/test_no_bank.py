# SPDX-License-Identifier: GPL-2.0-only
"""A TPM none of whose banks holds the IMA PCR acknowledges each extend and does nothing: nothing was extended."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import verifier, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.tpm import DEFAULT_BANKS, LocalTpm

NO_BANK = [Group("no_bank")]
IMA_PCR = 10
PCRS = ",".join(str(pcr) for pcr in range(24) if pcr != IMA_PCR)

SCRIPT = """
ima=/sys/kernel/security/ima
for number in 1 2; do
	echo $number >/ramfs/$number
	cat /ramfs/$number >/dev/null
	echo 1 >$ima/update_counter
done
cp $ima/binary_runtime_measurements /out/list
tpm2_pcrread sha256 >/out/pcrs
"""


def allocate(state: Path, temp: Path) -> None:
    """Make a TPM without the IMA PCR; this takes effect when it is started again."""
    tpm = LocalTpm(temp, DEFAULT_BANKS, state=state)
    with tpm:
        banks = "+".join(f"{bank}:{PCRS}" for bank in DEFAULT_BANKS.split(","))
        subprocess.run(["tpm2_pcrallocate", banks], env=os.environ | {"TPM2TOOLS_TCTI": tpm.tcti}, check=True,
                       stdout=subprocess.PIPE)


@dataclass(frozen=True)
class Measured:
    out: Path

    @property
    def records(self) -> list[dict[str, str]]:
        """The keys of each record."""
        texts = re.findall(rb"version=1;[ -~]*;", (self.out / "list").read_bytes())
        return [dict(pair.split("=", 1) for pair in text.decode("ascii").split(";") if pair) for text in texts]


@pytest.fixture
def measured(group: Group, kernel: Build, imatally: Path) -> Measured:
    def boot() -> Measured:
        out = group.fresh_folder()
        with tempfile.TemporaryDirectory(prefix="tpm.") as temp:
            allocate(out / "tpm", Path(temp))
        result = vm.run(vm.Machine(kernel.image, out, SCRIPT, append=vm.TCB, tpm_state=out / "tpm"))
        assert result.status == 0, str(result)
        return Measured(out)

    return once(group.id, boot)


@pytest.mark.groups(NO_BANK)
def test_no_bank_holds_the_ima_pcr(measured: Measured) -> None:
    pcrs = (measured.out / "pcrs").read_text(encoding="ascii")
    assert "11:" in pcrs.replace(" ", "") and f"{IMA_PCR}:" not in pcrs.replace(" ", ""), pcrs
    assert {record["banks"] for record in measured.records} == {"0"}
    assert not any({"pcr", "before", "step"} & record.keys() for record in measured.records)


@pytest.mark.groups(NO_BANK)
def test_each_entry_is_one_whose_extend_failed(measured: Measured) -> None:
    assert len(measured.records) >= 3
    for record in measured.records:
        assert (record["extends"], record["failed"]) == ("0", record["entries"])
        assert (record["updates"], record["uncertain"]) == ("0", "0")


@pytest.mark.groups(NO_BANK)
def test_nothing_proves_the_list(measured: Measured) -> None:
    """There is no value to compare the list with, and the records are worth no more than the list."""
    answer = verifier.verify(measured.out / "list", measured.out / "pcrs")
    assert answer.status == 3, answer.text
    assert f"no value was given for PCR {IMA_PCR}" in answer.text
