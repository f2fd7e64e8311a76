# SPDX-License-Identifier: GPL-2.0-only
"""The lists that other tests rely on, judged by evmctl of ima-evm-utils: it finds the same PCR values as imatally."""

import re
import shutil
import subprocess

import pytest

from lab import lists
from lab.tpm import BANKS
from lab.verifier import VECTORS

FOLDERS = sorted(path.parent for path in VECTORS.glob("*/list"))
# evmctl wants a value for each
PCRS = 24


@pytest.fixture(autouse=True)
def _evmctl_is_there():
    if not shutil.which("evmctl"):
        pytest.skip("evmctl is not installed (package ima-evm-utils)")


def agrees(log, *pcrs, violations=True):
    """Does evmctl's replay of the list reach these values, which are files by bank?"""
    options = [option for bank, file in pcrs for option in ("--pcrs", f"{bank},{file}")]
    done = subprocess.run(["evmctl", "ima_measurement", *["--ignore-violations"] * violations, *options, log],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0


# ---- A short list with each template that evmctl knows, and a violation

@pytest.fixture
def measured(verifier, tmp_path, banks):
    return lists.short(verifier, tmp_path, banks)


@pytest.fixture
def changed(measured):
    """The same, with the last byte of the last name changed."""
    data = bytearray(measured.log.read_bytes())
    data[-2] = ord("x")
    measured.log.write_bytes(data)
    return measured


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_both_accept_a_list(verifier, measured, banks):
    # One by one, since evmctl takes three at most
    for bank in BANKS[:banks]:
        assert agrees(measured.log, (bank, measured.evmctl_pcrs(bank))), bank
    assert verifier.verify(measured.log, measured.pcrs).status == 0


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_both_refuse_a_changed_list(verifier, changed, banks):
    for bank in BANKS[:banks]:
        assert not agrees(changed.log, (bank, changed.evmctl_pcrs(bank))), bank
    assert verifier.verify(changed.log, changed.pcrs).status == 2


# ---- Long lists like that one, without records and with them

@pytest.fixture(params=[0, 100], ids=["without records", "with records"])
def every(request):
    return request.param


@pytest.fixture
def long_list(verifier, tmp_path, every):
    (tmp_path / "like").mkdir()
    like = lists.short(verifier, tmp_path / "like")
    return lists.long(verifier, tmp_path, like.log, 3000, every)


def test_both_accept_a_long_list(verifier, long_list, every):
    assert agrees(long_list.log, *((bank, long_list.evmctl_pcrs(bank)) for bank in ("sha1", "sha256")), violations=False)
    answer = verifier.verify(long_list.log, long_list.pcrs, "--strict")
    assert answer.status == 0 and answer.says(f"^list: 3000 entries, {3000 // every if every else 0} records")


def test_one_entry_more_has_the_values_after_it(verifier, long_list):
    with open(long_list.log, "ab") as log:
        log.write(long_list.log.with_name("next").read_bytes())
    answer = verifier.verify(long_list.log, long_list.pcrs.with_name("pcrread.next"), "--strict")
    assert answer.status == 0, answer.text


# ---- Lists of real boots

def banks_of(text):
    """What tpm2_pcrread printed: bank to number to hexadecimal value."""
    banks: dict[str, dict[int, str]] = {}
    for line in text.splitlines():
        if bank := re.fullmatch(r"\s*(\w+):\s*", line):
            banks[bank[1]] = {}
        elif value := re.fullmatch(r"\s*(\d+)\s*:\s*0x([0-9A-Fa-f]+)", line):
            banks[list(banks)[-1]][int(value[1])] = value[2]
    return {bank: values for bank, values in banks.items() if values}


def write_all(path, values):
    zero = "0" * len(next(iter(values.values())))
    path.write_text("".join(f"PCR-{pcr:02d}: {bytes.fromhex(values.get(pcr, zero)).hex(' ').upper()} \n"
                            for pcr in range(PCRS)), encoding="ascii")
    return path


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_both_say_the_same_of_a_real_boot(verifier, folder, tmp_path):
    banks = banks_of((folder / "pcrs").read_text(encoding="ascii"))
    assert banks
    agreed = all(agrees(folder / "list", (bank, write_all(tmp_path / bank, values))) for bank, values in banks.items())
    # Where entries or extends are missing evmctl can't replay the list, and imatally goes on from a record
    verdict = verifier.verify(folder / "list", folder / "pcrs").verdict
    assert agreed == (verdict.startswith("complete") or verdict.endswith(" dropped"))
