# SPDX-License-Identifier: GPL-2.0-only
"""The list carried over by a kexec, and what may go wrong with that."""

import re
from dataclasses import dataclass, replace

import pytest

from lab import carry, verifier
from lab.groups import Group, elsewhere, once
from lab.selftests import ASKED_FOR, COMPLETE, CRASH_KERNEL, NO_KEXEC, NO_POLICY, NO_TPM, Variant, fields
from lab.vm import TCB

# Measures what mainline's kernel says about its list, and files, but makes no records
OTHER_RULES = """\
measure func=CRITICAL_DATA label=ima_kexec
measure func=FILE_CHECK mask=MAY_READ uid=0
"""

KEXEC = fields(programs=())
ON_7_3 = fields(bases=("7.3",), **KEXEC)

VARIANTS = [
    # The TPM goes away beneath the kernel, which goes on and says so
    Variant("kexec_without_the_tpm", programs=("update_counter_test",), before="unbind_tpm", mem=768,
            append=CRASH_KERNEL, skip=f"{NO_TPM} {NO_POLICY} {NO_KEXEC} {ASKED_FOR}",
            skip2=f"-F records -F kexec -F not_restarted {NO_POLICY}", verdict="incomplete.*", status=1),
    # A load that fails leaves the loaded kernel and its segment alone. Its records do not fit any more: the list is
    # cut, and the verifier knows.
    Variant("kexec_after_failed_loads", before="fail_to_load", verdict=r"incomplete: \d+ entries lost.*", status=1,
            **KEXEC),
    # After an unload there is no segment to copy the list to
    Variant("kexec_after_unload", before="unload", verdict="complete", **KEXEC),
    # The second kernel that is loaded takes the place of the first
    Variant("kexec_load_twice", before="vm-kexec-load", **COMPLETE, **KEXEC),
    # Each kernel carries over what it was handed itself
    Variant("kexec_three_in_a_row", boots=4, **COMPLETE, **KEXEC),
    # A custom template is listed by its format, which takes room too
    Variant("kexec_custom_template", before="measure_many", append=f"{TCB} ima_template_fmt=d-ng|n-ng|sig", **COMPLETE,
            **KEXEC),
    # What is staged is carried over too, and is in front of the list
    Variant("kexec_staged", before="stage_list", **COMPLETE, **ON_7_3),
    Variant("kexec_deleted", before="delete_entries", status=1,
            verdict=r"incomplete: 5 entries lost \(trimmed: user space deleted 5 from the start\)", **ON_7_3),
    # All is deleted, and of what comes then not all arrives: both are told apart, and the replay goes on from the
    # execute record's PCR values
    Variant("kexec_deleted_overflow", before="delete_and_overflow", **ON_7_3),
]
VARIANTS += elsewhere(VARIANTS)


@dataclass(frozen=True)
class Carry(Group):
    """The runs of the demo with another policy or kernel."""
    policy: str = ""


def named(name):
    return [variant for variant in VARIANTS if variant.name == name]


@pytest.mark.groups(VARIANTS, Variant.lines)
def test_line(ran, line):
    ran.check_line(line)


@pytest.mark.groups([variant for variant in VARIANTS if variant.programs])
def test_every_line_is_known(ran):
    ran.check_all_known()


@pytest.mark.groups(VARIANTS)
def test_guest_ends_well(ran):
    ran.check_end()


@pytest.mark.groups(VARIANTS)
def test_no_warning_or_bug_in_the_kernel_log(ran):
    ran.check_log()


@pytest.mark.groups([variant for variant in VARIANTS if variant.verdict])
def test_verdict(ran):
    ran.check_verdict()


@pytest.mark.groups(named("kexec_without_the_tpm"))
def test_record_at_load_has_the_error(ran):
    assert re.search(r"kexec_load.*(\n.*){0,3}error *EIO", verifier.show(ran.list))


@pytest.mark.groups(named("kexec_after_unload"))
def test_mapping_is_gone(ran):
    assert re.search("^mapped before: yes, after: no", ran.console, re.M)


@pytest.mark.groups(named("kexec_after_unload"))
def test_dump_buffer_is_gone(ran):
    assert re.search("^dump buffer before: yes, after: no", ran.console, re.M)


@pytest.mark.groups(named("kexec_load_twice"))
def test_each_load_makes_a_record(ran):
    assert len(re.findall("kexec_load", verifier.show(ran.list))) == 2


@pytest.mark.groups(named("kexec_three_in_a_row"))
def test_list_has_four_kernels(ran):
    assert re.search(", 4 kernels$", ran.answer.text, re.M)


# ---- The first entries are deleted, and the last don't arrive

@pytest.fixture
def counted(ran):
    """What the guest has deleted, and what of the rest did not arrive."""
    deleted, left = (int((ran.folder / name).read_text(encoding="ascii")) for name in ("deleted", "left"))
    lines = (ran.folder / "list.ascii").read_text(encoding="utf-8", errors="replace").splitlines()
    # The old kernel's entries without its last record. It logs an event of its own before that.
    arrived = max(number for number, line in enumerate(lines) if line.endswith(" boot_aggregate")) - 1
    return deleted, left + 1 - arrived


@pytest.mark.groups(named("kexec_deleted_overflow"))
def test_deleted_and_cut_entries_are_missed(ran, counted):
    deleted, cut = counted
    ran.check_verdict(rf"incomplete: {deleted + cut} entries lost "
                      rf"\(trimmed: user space deleted {deleted} from the start\)", 1)


@pytest.mark.groups(named("kexec_deleted_overflow"))
def test_deleted_entries_are_missed_before_the_first_record(ran, counted):
    deleted, _ = counted
    assert re.search(rf"^  {deleted} entries lost between the start of the list and entry \d* \(request\)",
                     ran.answer.text, re.M), ran.answer.text


@pytest.mark.groups(named("kexec_deleted_overflow"))
def test_cut_entries_are_missed_after_it(ran, counted):
    _, cut = counted
    assert re.search(rf"^  {cut} entries lost between entry \d* \(request\) and entry \d* \(kexec_execute\)",
                     ran.answer.text, re.M), ran.answer.text


@pytest.mark.groups(named("kexec_deleted_overflow"))
def test_replay_goes_on_from_the_record_at_the_end(ran):
    assert len(re.findall("matches the replay$", ran.answer.text, re.M)) == 2
    assert not re.search("stops|unexplained|cannot", ran.answer.text)


# ---- What the demo shows

OVERFLOW = [Group("kexec_overflow")]
OVERFLOW += elsewhere(OVERFLOW, "kexec_overflow")
KEPT = [Group("kexec_kept")]

# Lists without our records: other rules, a kernel without the option
STOCK = [Carry("kexec_without_a_rule", policy=OTHER_RULES), Carry("kexec_option_off", "full", config="vm,off")]


@pytest.fixture
def carried(group, kernel, imatally):
    """The two runs of the demo: the list fits, and it does not."""
    def run():
        folder = group.fresh_folder()
        return [carry.boot(kernel.image, folder / name, carry.RUNS[name], getattr(group, "policy", ""), group.arch)
                for name in ("fits", "overflow")]
    return once(group.id, run)


@pytest.mark.groups(OVERFLOW)
def test_list_that_fits_is_complete(carried):
    fits, _ = carried
    fits.check_end()
    answer = fits.verify()
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    before, arrived = fits.count()
    assert before == arrived


@pytest.mark.groups(OVERFLOW)
def test_list_that_does_not_fit_is_incomplete_by_what_the_guest_counted(carried):
    _, overflow = carried
    overflow.check_end()
    before, arrived = overflow.count()
    assert before > arrived
    answer = overflow.verify()
    assert carry.is_verdict_on_loss(answer, before - arrived), f"{before - arrived} are missing\n{answer.text}"


@pytest.fixture
def kept(group, kernel, imatally):
    """The third run of the demo: the list does not fit, and there is a copy of it."""
    return once(group.id, lambda: carry.boot(kernel.image, group.fresh_folder(), carry.RUNS["kept"]))


@pytest.mark.groups(KEPT)
def test_list_with_the_entries_of_a_copy_is_complete(kept):
    kept.check_end()
    before, arrived = kept.count()
    answer = kept.verify()
    assert carry.is_verdict_on_loss(answer, before - arrived), f"{before - arrived} are missing\n{answer.text}"
    answer = kept.verify("--with", kept.copy)
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    assert answer.says(rf"^  {before - arrived} entries put back from "), answer.text


@pytest.mark.groups(OVERFLOW)
def test_record_at_execute_is_carried_in_any_case(carried):
    _, overflow = carried
    assert b";event=kexec_execute;" in overflow.list.read_bytes()


@pytest.mark.groups(OVERFLOW)
def test_record_is_the_only_one_behind_the_cut(carried):
    _, overflow = carried
    before, arrived = overflow.prefix
    assert arrived[:-1] == before[:len(arrived) - 1]
    assert len(arrived) < len(before)
    assert " pcr_counter " in arrived[-1]


@pytest.mark.groups(STOCK)
def test_list_without_records_is_cut_to_a_prefix(carried):
    _, overflow = carried
    overflow.check_end()
    before, arrived = overflow.prefix
    assert arrived == before[:len(arrived)]
    assert 0 < len(arrived) < len(before)
    assert not any(" pcr_counter " in line for line in arrived)


@pytest.mark.groups(OVERFLOW + STOCK)
def test_cut_is_reported(carried):
    fits, overflow = carried
    assert "Dump measurements failed. Error:-28" in overflow.console
    assert "Dump measurements failed" not in fits.console


@pytest.mark.groups([replace(group, bases=("7.3",)) for group in OVERFLOW + STOCK])
def test_only_a_list_that_fits_has_the_event_kexec_execute(carried):
    """Mainline's own event, by which other verifiers know that the list is whole."""
    fits, overflow = carried
    assert " kexec_execute " in fits.ascii
    assert " kexec_load " in overflow.ascii
    assert " kexec_execute " not in overflow.ascii


@pytest.mark.groups(OVERFLOW + STOCK)
def test_next_kernel_can_read_all_of_it(carried):
    _, overflow = carried
    assert "Failed to restore" not in overflow.console
