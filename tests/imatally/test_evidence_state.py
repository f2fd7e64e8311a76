# SPDX-License-Identifier: GPL-2.0-only
"""
Evidence of one host time after time, with a state: only what is new is verified, a state changes only
after evidence that is authentic and a list that matches, and a state of another list is reported.
"""

import shutil

import pytest

from lab.host import NONCE, Host
from lab.lists import entries
from lab.verifier import Answer

pytestmark = pytest.mark.usefixtures("tpm_tools")

ANOTHER_LOG = r"^state: verified from the start: the state is of another list \(a reboot\?\)$"
ENDS_BEFORE = r"^state: verified from the start: the list ends before the state does \(a reboot\?\)$"
DOES_NOT_GO_ON = "^state: verified from the start: the replay from the state on differs$"


def went_on(before, new):
    return f"^state: {before} entries verified before, {new} new$"


class Machine(Host):
    first: Answer
    second: Answer


@pytest.fixture(scope="module")
def host(verifier, tmp_path_factory):
    """Evidence "first", "second" of a longer list, and the states after each."""
    with Machine(verifier, tmp_path_factory.mktemp("host")) as host:
        host.must_create_ak("ak.pem")
        host.boot(0)
        host.must_collect("first")
        host.first = host.verify("first", "--state", "state")
        shutil.copy(host.folder / "state", host.folder / "state.first")
        host.measure(3)
        host.must_collect("second")
        host.second = host.verify("second", "--state", "state")
        shutil.copy(host.folder / "state", host.folder / "state.second")
        yield host


@pytest.fixture
def state_of(host, tmp_path):
    """A copy of the state after that evidence."""
    return lambda name: shutil.copy(host.folder / f"state.{name}", tmp_path / "state")


@pytest.fixture
def copy_of(host, tmp_path):
    return lambda name: shutil.copytree(host.folder / name, tmp_path / name)


def replace(path, old, new):
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


# ---- A list that grows

def test_first_time_there_is_no_state(host):
    assert (host.first.status, host.first.verdict) == (0, "complete"), host.first.text
    assert not host.first.says("^state:")


def test_only_new_entries_are_verified(host):
    assert host.second.status == 0 and host.second.says(went_on(6, 3)), host.second.text


def test_what_was_reported_before_is_not_reported_again(host):
    assert not host.second.says(r"^  (\(start\)|1 boot)"), host.second.text


def test_nothing_new(host, state_of):
    answer = host.verify("second", "--state", state_of("second"))
    assert answer.status == 0 and answer.says(went_on(9, 0))


def test_answer_is_the_same_with_a_state(host, state_of):
    whole = host.verify("second", "--json").json
    again = host.verify("second", "--json", "--state", state_of("first")).json
    assert (again.pop("resumption"), again.pop("resumed")) == ("resumed", 6)
    for key in ("resumption", "resumed"):
        whole.pop(key, None)
    # The intervals from before are not reported again
    whole["intervals"], again["intervals"] = whole["intervals"][-1:], again["intervals"][-1:]
    assert again == whole


def test_state_is_on_the_page(host, state_of, tmp_path):
    answer = host.verify("second", "--state", state_of("first"), "--html", tmp_path / "page.html")
    assert answer.status == 0 and answer.says(went_on(6, 3))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<dt>State</dt><dd>6 entries verified before, 3 new</dd>" in text
    assert '<svg class="plot"' in text


def test_another_ak_of_the_same_tpm_signs_the_same_list(host, state_of):
    host.must_create_ak("same.pem", "same.ctx", "--ak-alg", "rsa")
    host.must_collect("by_another", "same.ctx")
    answer = host.verify("by_another", "--state", state_of("second"), ak="same.pem")
    assert answer.status == 0 and answer.says(went_on(9, 0)), answer.text


def test_earlier_list_that_is_authentic_replaces_the_state(host, state_of):
    state = state_of("second")
    answer = host.verify("first", "--state", state)
    assert answer.status == 0 and answer.says(ENDS_BEFORE)
    answer = host.verify("second", "--state", state)
    assert answer.status == 0 and answer.says(went_on(6, 3))


# ---- A list whose first entries are deleted from the kernel and kept

@pytest.fixture(params=[2, 6, 8])
def in_parts(request, host, copy_of, tmp_path):
    """The second evidence, of whose list that many entries are in two parts now, and these parts."""
    folder = copy_of("second")
    whole = (folder / "log").read_bytes()
    starts = [entry.start for entry in entries(whole)]
    cuts = [0, starts[1], starts[request.param], len(whole)]
    paths = [tmp_path / "part1", tmp_path / "part2", folder / "log"]
    for path, start, end in zip(paths, cuts, cuts[1:], strict=False):
        path.write_bytes(whole[start:end])
    return folder, paths[:2]


def test_state_of_a_whole_list_is_one_of_its_parts(host, state_of, in_parts):
    folder, parts = in_parts
    answer = host.verify(folder, *parts, "--state", state_of("first"))
    assert answer.status == 0 and answer.says(went_on(6, 3)), answer.text


def test_state_of_a_list_in_parts_is_one_of_the_whole(host, tmp_path, in_parts):
    folder, parts = in_parts
    answer = host.verify(folder, *parts, "--state", tmp_path / "state")
    assert (answer.status, answer.verdict) == (0, "complete") and (tmp_path / "state").exists()
    answer = host.verify(folder, *parts, "--state", tmp_path / "state")
    assert answer.status == 0 and answer.says(went_on(9, 0)), answer.text
    answer = host.verify("second", "--state", tmp_path / "state")
    assert answer.status == 0 and answer.says(went_on(9, 0)), answer.text


# ---- A state changes only after evidence that is authentic and a list that matches

@pytest.fixture
def unchanged(request, host, state_of):
    """The state after that evidence, which is the same when the test ends."""
    state = state_of(request.param)
    yield state
    assert state.read_bytes() == (host.folder / f"state.{request.param}").read_bytes()


after_first = pytest.mark.parametrize("unchanged", ["first"], indirect=True)
after_second = pytest.mark.parametrize("unchanged", ["second"], indirect=True)


@after_second
def test_another_ak_leaves_the_state(host, unchanged):
    host.must_create_ak("other.pem", "other.ctx", "--ak-alg", "rsa")
    answer = host.verify("second", "--state", unchanged, ak="other.pem")
    assert answer.status == 4 and answer.says("the quote: the signature is not by this AK")


@after_second
def test_another_nonce_leaves_the_state(host, unchanged):
    answer = host.verify("second", "--state", unchanged, nonce="ff" + NONCE)
    assert answer.status == 4 and answer.says("wrong nonce")


@after_second
def test_edited_entry_that_the_state_ends_with_is_noticed(host, copy_of, unchanged):
    edited = copy_of("second")
    replace(edited / "log", b"file5", b"filE5")
    answer = host.verify(edited, "--state", unchanged)
    assert answer.status == 2 and answer.says(ANOTHER_LOG), answer.text


@after_first
def test_edited_entry_after_the_state_is_noticed(host, copy_of, unchanged):
    edited = copy_of("second")
    replace(edited / "log", b"file5", b"filE5")
    answer = host.verify(edited, "--state", unchanged)
    assert answer.status == 2 and answer.says(DOES_NOT_GO_ON), answer.text


# What is signed may be right, while the list after it is not
@after_first
def test_edited_entry_after_the_quote_is_noticed(host, copy_of, unchanged):
    edited = copy_of("second")
    host.write_list(edited / "log", 6)
    replace(edited / "log", b"file8", b"filE8")
    answer = host.verify(edited, "--state", unchanged)
    assert answer.status == 2 and answer.says(went_on(6, 6)), answer.text


@after_second
def test_shortened_list_is_noticed(host, copy_of, unchanged):
    shortened = copy_of("second")
    shutil.copy(host.folder / "first" / "log", shortened / "log")
    answer = host.verify(shortened, "--state", unchanged)
    assert answer.status == 2 and answer.says(ENDS_BEFORE), answer.text


def test_damaged_state_is_an_error(host, state_of):
    state = state_of("second")
    with open(state, "ab") as file:
        file.write(b"damage\n")
    answer = host.verify("second", "--state", state)
    assert answer.status == 3 and answer.says("state: the state is damaged")


# ---- A reboot in between: a shorter list, one that is as long, and the same entry in the same place

@pytest.fixture(scope="module")
def rebooted(verifier, tmp_path_factory):
    """Evidence "before" of 9 entries with the state after it, and of two more boots: "shorter", "longer"."""
    with Machine(verifier, tmp_path_factory.mktemp("rebooted")) as host:
        host.must_create_ak("ak.pem")
        host.boot(3)
        host.must_collect("before")
        assert host.verify("before", "--state", "state.before").status == 0
        host.power_cycle()
        host.boot(0)
        host.must_collect("shorter")
        assert host.verify("shorter", "--state", "state.shorter").status == 0
        host.power_cycle()
        # Else the same list comes again: the counter always starts at the same number
        host.update_by_others()
        host.boot(4)
        host.must_collect("longer")
        yield host


@pytest.fixture
def state_before(rebooted, tmp_path):
    return lambda name: shutil.copy(rebooted.folder / f"state.{name}", tmp_path / "state")


@pytest.mark.parametrize("state, evidence, reason", [
    ("before", "shorter", ENDS_BEFORE), ("shorter", "longer", ANOTHER_LOG), ("before", "longer", DOES_NOT_GO_ON),
], ids=["shorter", "longer", "the same last entry"])
def test_reboot_is_noticed(rebooted, state_before, state, evidence, reason):
    answer = rebooted.verify(evidence, "--state", state_before(state))
    assert answer.status == 0 and answer.says(reason), answer.text


def test_state_after_a_reboot_is_gone_on_from(rebooted, state_before):
    state = state_before("before")
    rebooted.verify("longer", "--state", state)
    answer = rebooted.verify("longer", "--state", state)
    assert answer.status == 0 and answer.says(went_on(10, 0)), answer.text


def test_state_of_another_host_is_not_gone_on_from(verifier, rebooted, state_before, tmp_path):
    with Machine(verifier, tmp_path / "another", "sha256") as another:
        another.must_create_ak("ak.pem")
        another.boot(4)
        another.must_collect("evidence")
        state = state_before("before")
        rebooted.verify("longer", "--state", state)
        answer = another.verify("evidence", "--state", state)
        assert answer.status == 0 and answer.says("^state: verified from the start: "), answer.text
