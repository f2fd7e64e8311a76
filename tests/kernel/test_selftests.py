# SPDX-License-Identifier: GPL-2.0-only
"""The selftests, in variants of TPM, banks, policy and kernel, on both sides of a kexec."""

import os
import re
import subprocess

import pytest

from lab import verifier
from lab.groups import elsewhere
from lab.selftests import (ASKED_FOR, COMPLETE, COUNTED, CRASH_KERNEL, NO_KEXEC, NO_POLICY, NO_TPM, REPORTS, WITH_RECORDS,
                           Variant, fields)

# ---- Kinds of variants: what they have in common

WITH_TPM = fields(skip=f"{NO_TPM} {NO_POLICY} {NO_KEXEC} {ASKED_FOR}", skip2=f"{NO_TPM} {NO_POLICY} {ASKED_FOR}",
                  append=CRASH_KERNEL, mem=768, **COMPLETE)
WITHOUT_TPM2 = fields(skip=f"{NO_POLICY} {NO_KEXEC} {ASKED_FOR} {COUNTED}", skip2=f"{NO_POLICY} {ASKED_FOR} {COUNTED}",
                      append=CRASH_KERNEL, mem=768)
# Loaded by user space, so that there is no record at boot
POLICY = fields(programs=("policy_test",), boots=1, settings="LOAD_POLICY=1", append="", **COMPLETE)
WITHOUT_RECORDS = fields(skip=WITH_RECORDS, verdict=r"complete \(not counted\)")
LOAD = fields(programs=("load_test",), boots=1, settings=f"LOAD_ENTRIES={os.environ.get('LOAD_ENTRIES', 1000)}",
              timeout=1800, **COMPLETE)
# What IMA could not record for want of memory, on a kernel that also looks for errors of memory and locking
MEMORY = fields(programs=("memory_test",), boots=1, mem=1024, timeout=1800, config="vm,debug",
                around="copied_kernel", settings="KERNEL_IMAGE=/tmp/kernel")

FAILED = r"\d+ entr(y|ies) whose extend failed"
DROPPED = r"\d+ measurements? dropped"

VARIANTS = [
    Variant("banks_sha1_sha256", "quick", banks="sha1,sha256", **WITH_TPM),
    Variant("banks_sha256", banks="sha256", **WITH_TPM),
    Variant("banks_four", banks="sha1,sha256,sha384,sha512", **WITH_TPM),
    Variant("crb", tpm="crb", **WITH_TPM),
    # The kernel can't compute what it would extend there: zero-padded SHA-1 digests
    Variant("bank_without_hash", banks="sha1,sha256,sha512", **WITH_TPM | fields(
        append=f"{CRASH_KERNEL} initcall_blacklist=sha512_generic_mod_init,crypto_sha512_mod_init")),
    Variant("no_tpm", tpm="none", **WITHOUT_TPM2),
    Variant("tpm12", tpm12=True, **WITHOUT_TPM2),
    Variant("no_rule", append="ima_policy=tcb", **WITHOUT_RECORDS),
    Variant("no_policy", append="", **WITHOUT_RECORDS),
    Variant("policy_of_the_label", skip="-v of_the_label", **POLICY),
    Variant("policy_readable", skip="-v with_a_readable_template", **POLICY),
    # A record in another PCR than IMA's counts only where the caller names that PCR
    Variant("policy_another_pcr", skip="-v with_another_pcr", **POLICY | fields(options=("--strict", "--record-pcr", "11"))),
    Variant("policy_other_template", skip="-v with_a_template_that_cannot_hold_it", **POLICY),
    # The verifier does not judge the counter across a resume
    Variant("resume", programs=("update_counter_test",), around="across_sleep", boots=1, settings="SUSPEND=1",
            skip="-t resume_makes_a_record", timeout=60, verdict="complete"),
    # The TPM sleeps through nothing. Nothing wakes QEMU from suspend to idle.
    Variant("suspend_given_up", programs=("update_counter_test",), boots=1, settings="SUSPEND=1",
            skip="-v suspend_that_is_given_up", verdict="complete"),
    # A user makes files fail to be read
    Variant("unread", "full", config="vm,fuse", programs=("unread_test",), boots=1, skip="-T a_file_without_a_verity_digest_is_unread",
            verdict="complete"),
    Variant("unread_verity", programs=("unread_test",), boots=1, settings="VERITY_POLICY=1",
            skip="-t a_file_without_a_verity_digest_is_unread", verdict="complete"),
    # Somebody else extends the IMA PCR: nothing explains the PCR's value, but the records tell that there were such
    # updates
    Variant("ima_pcr_extended", programs=("request_test",), boots=1, settings="EXTEND_IMA_PCR=1",
            skip="-t extends_of_the_ima_pcr_are_those_of_others", verdict="mismatch.*", status=2),
    # User space takes entries off the list: where the kernel lets it
    Variant("deletion", bases=("7.3",), programs=("deletion_test",), boots=1, settings="DELETE_ENTRIES=1",
            verdict=r"incomplete: \d+ entries lost.*", status=1),

    Variant("load_one_bank", banks="sha256", **LOAD),
    Variant("load_two_banks", banks="sha1,sha256", **LOAD),
    Variant("load_four_banks", banks="sha1,sha256,sha384,sha512", **LOAD),

    # IMA starts after the drivers, and names its first entry otherwise
    Variant("late_start", "full", config="vm,late", bases=("7.3",), banks="sha1,sha256", **WITH_TPM),

    Variant("hmac_selftest", config="vm,hmac", banks="sha1,sha256", **WITH_TPM),
    Variant("hmac_load", config="vm,hmac", banks="sha1,sha256", **LOAD),

    # The sanitized kernel takes as long to build as two others
    *(Variant(name, "full", **kind | fields(config="vm,debug", mem=1024))
      for name, kind in (("debug_selftest", WITH_TPM | fields(timeout=1200)), ("debug_load", LOAD))),
    # Only 6.12 makes commands to the TPM in pages
    *(Variant("debug_memory", "full", **where, **MEMORY, verdict=f"incomplete: {DROPPED}(, {FAILED})?", status=1)
      for where in (fields(bases=("6.12",), skip="-T loads_that_fail_lose_nothing"),
                    fields(bases=("7.3",), skip="-T loads_that_fail_lose_nothing -V pages"))),
    # The allocations that fail there are not only IMA's, and others report it with a trace. Which fail is a matter of
    # chance.
    Variant("debug_memory_of_loads", "full", skip="-r memory.slabs.loads_that_fail_lose_nothing",
            reports=REPORTS.replace("|Call Trace", ""), **MEMORY),
    Variant("debug_stress", "full", **LOAD | fields(config="vm,debug", mem=1024, timeout=3000, settings=(
        f"LOAD_ENTRIES={os.environ.get('STRESS_ENTRIES', 12000)}"))),

    Variant("kcsan_selftest", "full", config="vm,kcsan", **WITH_TPM | fields(mem=1024, timeout=1200)),
    Variant("kcsan_load", "full", config="vm,kcsan", mem=1024, **LOAD),
]
VARIANTS += elsewhere(VARIANTS, "banks_sha1_sha256")


def named(*names):
    found = [variant for variant in VARIANTS if variant.name in names]
    assert found
    return found


def of_kind(**fields):
    return [variant for variant in VARIANTS if fields.items() <= vars(variant).items()]


@pytest.mark.groups(VARIANTS, Variant.lines)
def test_line(ran, line):
    ran.check_line(line)


@pytest.mark.groups(VARIANTS)
def test_every_line_is_known(ran):
    ran.check_all_known()


@pytest.mark.groups(VARIANTS)
def test_guest_ends_well(ran):
    ran.check_end()


@pytest.mark.groups(VARIANTS)
def test_no_warning_or_bug_in_the_kernel_log(ran):
    ran.check_log()


@pytest.mark.groups(of_kind(config="vm,debug"))
def test_no_leaked_memory_of_ima_or_the_tpm(ran):
    assert (ran.folder / "leaks.1").exists()
    ran.check_leaks()


@pytest.mark.groups([variant for variant in VARIANTS if variant.verdict])
def test_verdict(ran):
    ran.check_verdict()


@pytest.mark.groups(named("debug_memory_of_loads"))
def test_complete_but_for_what_failed(ran):
    if ran.answer.status == 0:
        ran.check_verdict("complete", 0)
    else:
        ran.check_verdict(f"incomplete: ({DROPPED}|{FAILED})(, {FAILED})?", 1)


def evmctl_pcrs(pcrs: str, bank: str) -> str:
    """What tpm2_pcrread has printed of a bank, in evmctl's form: PCR-10: AB CD ..."""
    found, lines = False, []
    for line in pcrs.splitlines():
        if line.rstrip().endswith(":"):
            found = line.strip() == f"{bank}:"
        elif found:
            number, value = line.split(":")
            digest = value.strip().removeprefix("0x")
            lines.append(f"PCR-{int(number):02d}: {' '.join(re.findall('..', digest))}\n")
    return "".join(lines)


@pytest.mark.groups(of_kind(skip=WITH_TPM["skip"], skip2=WITH_TPM["skip2"]))
def test_evmctl_agrees(ran):
    compared = 0
    for bank in ("sha1", "sha256", "sha384", "sha512"):
        text = evmctl_pcrs((ran.folder / "pcrs").read_text(encoding="ascii"), bank)
        if not text:
            continue
        pcrs = ran.folder / f"pcrs.{bank}"
        pcrs.write_text(text, encoding="ascii")
        done = subprocess.run(["evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"{bank},{pcrs}", ran.list],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        compared += 1
    assert compared == len((ran.variant.banks or "sha1,sha256").split(","))


@pytest.mark.groups(named("bank_without_hash"))
def test_verifier_says_which_bank_is_padded(ran):
    assert "bank sha512 holds zero-padded SHA-1" in ran.answer.text


@pytest.mark.groups(named("tpm12"))
def test_records_say_that_a_tpm12_has_no_counter(ran):
    assert len(re.findall("error *EOPNOTSUPP", verifier.show(ran.list))) >= 4


@pytest.mark.groups(named("policy_readable"))
def test_grep_finds_the_record_in_the_ascii_list(ran):
    assert " pcr_counter version=1;event=policy;pcrUpdateCounter=" in \
        (ran.folder / "list.ascii").read_text(encoding="utf-8", errors="replace")
