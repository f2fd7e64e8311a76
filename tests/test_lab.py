# SPDX-License-Identifier: GPL-2.0-only
"""The lab's own parts that need no machine."""

import re
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import image, kernel, process, selftests, sources, tap, watch
from lab.built import digest, is_current
from lab.groups import Group, elsewhere, settings
from lab.paths import TOP
from patchset.console import Failed, run_long

pytestmark = pytest.mark.quick


# ---- Reading results

KTAP = """\
[    0.100000] KTAP version 1
[    0.100000] 1..2
[    0.200000]     KTAP version 1
[    0.200000]     # Subtest: suite
[    0.200000]     1..3
[    0.210000]         KTAP version 1
[    0.210000]         ok 1 4 bytes
[    0.210000]         not ok 2 5 bytes
[    0.220000]     not ok 1 sizes
[    0.230000] tpm tpm0: somebody else prints
[    0.240000][    T1]     ok 2 - skips # SKIP there is no TPM
[    0.250000]     ok 3 ends\r
[    0.250000] # suite: pass:1 fail:1 skip:1 total:3
[    0.260000] not ok 1 suite
[    0.300000] ok 2 another
"""


def test_ktap_on_a_console():
    lines = tap.parse(KTAP)
    assert [(line.ok, line.name) for line in lines] == [
        (True, "suite.sizes.4 bytes"), (False, "suite.sizes.5 bytes"), (False, "suite.sizes"), (True, "suite.skips"),
        (True, "suite.ends"), (False, "suite"), (True, "another")]
    assert [line.skip for line in lines] == [None, None, None, "there is no TPM", None, None, None]
    assert "somebody else prints" in lines[3].output


def test_tap_of_the_kernels_harness():
    lines = tap.parse("TAP version 13\n1..2\n#  RUN           a.b ...\n# a.c: expected 1\nnot ok 1 a.b\nok 2 a.c\n")
    assert [(line.ok, line.name) for line in lines] == [(False, "a.b"), (True, "a.c")]
    assert "# a.c: expected 1" in lines[0].output


def test_tap_of_cmocka_calls_a_skipped_test_not_ok():
    passed, skipped = tap.parse("ok 1 - first\nskipped: no such folder\nnot ok 2 # SKIP second\n")
    assert (passed.ok, passed.name, passed.skip) == (True, "first", None)
    assert (skipped.ok, skipped.name, skipped.skip) == (True, "second", "no such folder")


@pytest.mark.parametrize("text", ["okay 1 test", "ok", "not ok", "  # ok 1 test", "It is ok 1 test"])
def test_what_looks_like_a_result_is_none(text):
    assert tap.parse(text) == []


# ---- The names of tests in their sources

def test_names_of_the_kernels_harness(tmp_path):
    source = tmp_path / "test.c"
    source.write_text("TEST(alone)\n{\n}\nFIXTURE_VARIANT_ADD(f, one) {\nFIXTURE_VARIANT_ADD(f, two) {\n"
                      "TEST_F(f, runs)\nTEST_F_TIMEOUT(g, waits, 120)\n", encoding="ascii")
    assert sources.kselftest(source) == ["global.alone", "f.one.runs", "f.two.runs", "g.waits"]


def test_names_of_kunit(tmp_path):
    source = tmp_path / "test.c"
    source.write_text("static struct kunit_case a_cases[] = {\n\tKUNIT_CASE(one),\n\tKUNIT_CASE_SLOW(two),\n\t{}\n};\n"
                      "static struct kunit_suite a = {\n\t.name = \"suite\",\n\t.test_cases = a_cases,\n};\n",
                      encoding="ascii")
    assert sources.kunit(source) == ["suite.one", "suite.two"]


def test_names_of_cmocka(tmp_path):
    source = tmp_path / "test.c"
    source.write_text("#define TEST(f) cmocka_unit_test_teardown(f, teardown)\n\t\tTEST(one),\n"
                      "\t\tcmocka_unit_test(two),\n\t\tcmocka_unit_test_setup(three, setup),\n", encoding="ascii")
    assert sources.cmocka(source) == ["one", "two", "three"]


@pytest.mark.parametrize("options, wanted", [
    ("", True), ("-T runs", False), ("-t runs", True), ("-t other", False), ("-F f", False), ("-f g", False),
    ("-v one", True), ("-v two", False), ("-V one", False), ("-V two", True), ("-r f.one.runs", True),
    ("-r f.two.runs", False), ("-T other -F g", True), ("-t runs -F f", True), ("-F f -t runs", False)])
def test_selection_is_that_of_the_kernels_harness(options, wanted):
    assert selftests.is_selected("f.one.runs", options.split()) is wanted


# ---- Builds

def test_configuration_that_does_not_take_is_noticed():
    config = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\n"
    assert kernel.not_taken("# a comment\nCONFIG_A=y\nCONFIG_D=n\n", config) == []
    assert kernel.not_taken("CONFIG_B=y\nCONFIG_C=y\nCONFIG_A=n\n", config) == ["CONFIG_B=y", "CONFIG_C=y", "CONFIG_A=n"]


def test_digest_tells_apart_what_is_the_same_in_a_row():
    assert digest("ab", "c") != digest("a", "bc")


def test_what_is_there_is_current_if_nothing_has_changed(tmp_path):
    file, state = tmp_path / "file", tmp_path / "state"
    state.write_text(digest("a"), encoding="ascii")
    assert not is_current(file, state, digest("a"))
    file.touch()
    assert is_current(file, state, digest("a"))
    assert not is_current(file, state, digest("b"))


def test_long_command_that_fails_shows_the_end_of_its_output(tmp_path):
    with pytest.raises(Failed) as failed:
        run_long("counting", ["sh", "-c", "seq 100; exit 3"], log=tmp_path / "log")
    lines = str(failed.value).splitlines()
    assert lines[:-1] == [str(number) for number in range(76, 101)]
    assert lines[-1] == f"counting: failed with status 3; the whole output is in {tmp_path / 'log'}"


# ---- Where a machine stands

BOOT = "[    0.000000] Linux version 6.12\n"
KEXEC = "[    9.000000] kexec_core: Starting new kernel\n"


@pytest.mark.parametrize("console, boots, script_ended, said", [
    ("", 0, False, "outside of a script in boot 1"),
    (BOOT, 0, False, "outside of a script in boot 1"),
    (BOOT, 1, False, "in boot 1's script"),
    (BOOT, 1, True, "outside of a script in boot 1"),
    (BOOT + KEXEC, 1, False, "outside of a script in boot 2"),
    (BOOT + KEXEC + BOOT, 1, False, "outside of a script in boot 2"),
    (BOOT + KEXEC + BOOT, 2, False, "in boot 2's script"),
])
def test_place_of_a_machine(console, boots, script_ended, said):
    assert str(watch.place_of(console, boots, script_ended)) == said


def test_process_that_computes_runs_or_waits_for_a_processor():
    busy = process.start(["sh", "-c", "while :; do :; done"])
    try:
        time.sleep(1)
        assert watch.processor_time(busy.pid) + watch.waiting_time(busy.pid) > 0.5
    finally:
        process.stop(busy)


def test_process_that_sleeps_neither_runs_nor_waits():
    asleep = process.start(["sleep", "100"])
    try:
        time.sleep(1)
        before = watch.processor_time(asleep.pid) + watch.waiting_time(asleep.pid)
        time.sleep(1)
        assert watch.processor_time(asleep.pid) + watch.waiting_time(asleep.pid) == before
    finally:
        process.stop(asleep)


def test_address_has_the_name_of_its_function(tmp_path):
    system_map = tmp_path / "System.map"
    system_map.write_text("0000000000001000 T one\n0000000000001800 d data\n0000000000002000 t two\n", encoding="ascii")
    assert watch.nearest_symbol(system_map, 0x1804) == "one+0x804"
    assert watch.nearest_symbol(system_map, 0x2000) == "two+0x0"
    assert watch.nearest_symbol(system_map, 0x10) == "0x10"
    assert watch.nearest_symbol(tmp_path / "none", 0x2000) == "0x2000"


def test_socket_that_does_not_listen_yet_is_not_ready(tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert path.exists() and not process.listens(path)
        server.listen()
        assert process.listens(path)


# ---- Groups

def test_table_without_a_group_for_the_base_has_no_item():
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "--collect-only", "-q", "--base", "6.12",
                           "tests/kernel/test_evidence.py"], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True)
    assert "test_it_verifies_outside[6.12-" in done.stdout
    # Of a table that is for 7.3
    assert "test_entries_that_are_staged_are_in_it" not in done.stdout


# ---- Architectures

def sets(*table):
    """The set of each item, by architecture, name and base."""
    return {(row.arch, row.name, row.base): row.set for group in table for row in group.on_bases()}


def test_another_architecture_is_checked_on_one_base(monkeypatch):
    monkeypatch.setattr(settings, "bases", ("6.12", "7.3"))
    monkeypatch.setattr(settings, "arch", "arm64")
    found = sets(*elsewhere([Group("needed", "quick"), Group("other"), Group("special", config="vm,debug")], "needed"))
    assert found == {("arm64", "needed", "6.12"): "check", ("arm64", "needed", "7.3"): "full",
                     ("arm64", "other", "6.12"): "full", ("arm64", "other", "7.3"): "full"}


def test_items_say_which_other_architecture_they_are_for():
    assert replace(Group("name"), base="7.3", arch="arm64").id == "7.3-arm64-name"
    assert replace(Group("name"), base="7.3").id == "7.3-name"


@pytest.mark.parametrize("arch", architectures.bootable())
def test_build_directory_is_that_of_the_image(arch, tmp_path):
    facts = architectures.get(arch)
    assert facts.obj_of(tmp_path / facts.image) == tmp_path


def test_guest_has_the_libraries_that_a_program_loads():
    facts = architectures.get(architectures.DEFAULT_ARCH)
    tpm2 = image.program("tpm2", facts)
    loaded = re.findall(r"=> (/\S+)", image.output_of("ldd", tpm2))
    found = image.libraries([tpm2], facts)
    assert {Path(path).name for path in loaded} == {Path(path).name for path in found if path.startswith("usr/lib/")}
    # The dynamic linker
    assert [path for path in found if not path.startswith("usr/lib/")] == ["lib64/ld-linux-x86-64.so.2"]
