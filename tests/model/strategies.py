# SPDX-License-Identifier: GPL-2.0-only
"""Histories for hypothesis to choose from."""

from hypothesis import strategies as st

from model import operations as ops
from model.entries import BIG, LITTLE
from model.attacks import CLAIMS, TWISTS, Change, Forgery, Root
from model.kernel import LOST_DONE, LOST_UNDONE, REFUSED, Boot
from model.machine import Setup
from model.tpm import Bank

BANKS = (Bank("sha1", "sha1", "sha1"), Bank("sha256", "sha256", "sha256"), Bank("sha384", "sha384", "sha384"),
         Bank("sha512", "sha512", "sha512"), Bank("sha3_256", "0x0027", "sha3_256", known=False),
         Bank("sha384", "sha384", "sha384", known=False))
BANK_SETS = ((0, 1), (1,), (0,), (1, 2), (0, 1, 2, 3), (0, 1, 4), (1, 5))

banks = st.builds(lambda chosen, without: tuple(
    Bank(BANKS[n].alg, BANKS[n].kernel_name, BANKS[n].tool_name, BANKS[n].known, not (without == i and len(chosen) > 1))
    for i, n in enumerate(chosen)), st.sampled_from(BANK_SETS), st.sampled_from((None, None, None, 0, 1)))

NAMES = (b"", b"", b"", b"boot_aggregate", b"boot_aggregate_late", b"pcr_counter", b"kexec_execute", b"/a b",
         b"/a\nb", b"/x\n10 " + b"0" * 40 + b" ima-ng sha256:" + b"0" * 64 + b" boot_aggregate", b"/\xff\xfe;=",
         b"/" + b"l" * 300, b"/" + b"l" * 4000, b"version=1;event=boot;", b" ", b"/trailing ")
errors = st.sampled_from((None, None, None, "EIO", "ETIME", "ENOMEM", "TPM_0x101"))
faults = st.sampled_from((None, None, None, REFUSED, LOST_UNDONE, LOST_DONE))

boots = st.builds(
    Boot,
    rule=st.sampled_from(("boot", "boot", "boot", "later", "never")),
    late=st.booleans(),
    series=st.sampled_from((True, True, True, True, False)),
    tpm=st.sampled_from((True,) * 9 + (False,)),
    fails=st.frozensets(st.sampled_from(("before", "aggregate", "after", "clock", "read", "extend")), max_size=2)
    | st.just(frozenset()),
    events=st.booleans(),
    template=st.sampled_from(("ima-buf", "ima-txt", "ima-ng")),
    file_template=st.sampled_from(("ima-ng", "ima-sig", "ima-ngv2", "ima-sigv2", "evm-sig")),
    record_pcr=st.sampled_from((None,) * 9 + (11,)),
    hmac=st.sampled_from((False, False, True)))
plain_boots = st.builds(Boot, late=st.booleans(), events=st.booleans(),
                        template=st.sampled_from(("ima-buf", "ima-txt")))

setups = st.builds(
    Setup, banks=banks, boot=plain_boots | boots,
    ima_pcr=st.sampled_from((10, 10, 10, 10, 11, 17)),
    counter=st.sampled_from((20, 20, 48, 2**32 - 10, 2**32 - 3, 2**31)),
    counts_once=st.sampled_from((False,) * 9 + (True,)),
    earlier=st.sampled_from((0,) * 9 + (1, 3)),
    order=st.sampled_from((LITTLE, LITTLE, LITTLE, BIG)))

measures = st.builds(ops.Measure, count=st.integers(1, 4), kind=st.sampled_from(("file", "file", "violation", "buffer", "signed", "unknown")),
                     name=st.sampled_from(NAMES))
failing = st.builds(ops.Measure, count=st.integers(1, 2), fault=st.sampled_from((REFUSED, LOST_UNDONE, LOST_DONE)))
kexecs = st.builds(ops.Kexec, boot=plain_boots | boots, how=st.sampled_from(("file", "file", "file", "syscall", "restore")),
                   room=st.integers(0, 6) | st.just(1000), error=errors, fault=faults)

operations = st.one_of(
    measures, measures, measures,
    st.builds(ops.Request, errors), st.builds(ops.Request), st.builds(ops.Request, errors, faults),
    st.builds(ops.Load, st.integers(0, 6), errors), kexecs, kexecs,
    failing,
    st.builds(ops.Measure, pcr=st.sampled_from((11, 12))),
    st.builds(ops.Drop, st.integers(1, 3)), st.builds(ops.Unread),
    st.builds(ops.Others, st.sampled_from((7, 16, 23, 14)), st.sampled_from((None, None, "done", "undone"))),
    st.builds(ops.Behind, st.sampled_from((7, 16))),
    st.builds(ops.LoadPolicy, errors),
    st.sampled_from((ops.Unread(), ops.Unread(), ops.Unbind())),
    st.builds(ops.Delete, st.integers(1, 6), st.booleans()), st.just(ops.Save()),
    st.builds(ops.Suspend, st.sampled_from(("idle", "memory", "disk")), st.integers(0, 2), st.integers(0, 2), errors,
              st.sampled_from((True, True, False))),
    st.builds(ops.Request, errors, spoiled=st.sampled_from(("cut", "odd"))),
    st.builds(ops.TakeQuote, st.integers(0, 3), st.booleans(), st.booleans()))

histories = st.tuples(setups, st.lists(operations, max_size=14),
                      st.builds(ops.TakeQuote, st.integers(0, 2), st.sampled_from((False, False, True)), st.booleans(),
                                st.sampled_from((False, False, True))))

# ---- Attackers

forgeries = st.builds(
    Forgery, kind=st.sampled_from(("record", "record", "record", "record", "file", "start", "copy", "violation")),
    twist=st.sampled_from(tuple(TWISTS)), second=st.just("as it is") | st.sampled_from(tuple(TWISTS)),
    by=st.integers(1, 6), values=st.sampled_from(("replayed", "quoted", "base")), pcr=st.sampled_from((None, None, None, 10, 11, 16, 23)),
    template=st.sampled_from(("ima-buf", "ima-txt")), claim=st.just("nothing") | st.sampled_from(tuple(CLAIMS)))
places = st.integers(0, 40)
# Machines without hiccups, so that something is there to be forged
calm_boots = st.builds(Boot, template=st.sampled_from(("ima-buf", "ima-txt")), events=st.booleans())
calm = st.tuples(
    st.builds(Setup, banks=st.sampled_from(((BANKS[0], BANKS[1]), (BANKS[1],))), boot=calm_boots),
    st.lists(st.one_of(
        st.builds(ops.Measure, count=st.integers(1, 3), kind=st.sampled_from(("file", "file", "violation", "signed"))),
        st.just(ops.Request()), st.just(ops.Request()), st.builds(ops.Drop, st.integers(1, 3)),
        st.builds(ops.Measure, fault=st.just(REFUSED)), st.builds(ops.Others, st.sampled_from((7, 16))),
        st.builds(ops.Kexec, calm_boots, room=st.integers(0, 3) | st.just(1000)),
        st.builds(ops.Delete, st.integers(1, 4), st.booleans()), st.just(ops.Load()),
        st.builds(ops.Suspend, st.sampled_from(("idle", "memory", "disk")))), max_size=9),
    st.builds(ops.TakeQuote, st.integers(0, 2)))
attacked = st.one_of(calm, calm, calm, histories)
changes = st.one_of(
    st.builds(Change, st.sampled_from(("insert", "insert", "append", "forge record", "violation")), places,
              forgery=forgeries),
    st.builds(Change, st.sampled_from(("delete", "delete", "truncate", "double", "swap", "edit", "pcr")), places,
              st.integers(1, 6)),
    st.builds(Change, st.just("delete named"), places, name=st.sampled_from(
        (b"boot_aggregate", b"pcr_counter", b"kexec_load", b"kexec_execute", b"kernel_version"))),
    st.builds(Change, st.just("template"), places, st.integers(1, 40),
              template=st.sampled_from(("ima-ng", "ima-sig", "ima-buf", "ima-txt", "ima-cgpath"))))
# Records that agree with each other and with the list
told = st.builds(Change, st.sampled_from(("story", "story", "kernel")), places, st.integers(1, 6), forgery=st.builds(
    Forgery, by=st.integers(1, 6), values=st.sampled_from(("replayed", "base"))), claim=st.sampled_from(tuple(CLAIMS)))
# Gaps after gaps, so that no value proves what comes before the last one
gap = st.tuples(st.builds(ops.Load, st.integers(0, 3)), st.builds(ops.Measure, st.integers(2, 6)), st.one_of(
    st.just(ops.Request()), st.builds(ops.Drop, st.integers(1, 3)), st.builds(ops.Others, st.just(7)),
    st.builds(ops.Delete, st.integers(1, 4), st.booleans()), st.just(ops.Suspend("disk"))),
    st.builds(ops.Kexec, calm_boots)).map(lambda one: list(one))
gaps = st.tuples(
    st.builds(Setup, banks=st.just((BANKS[1],)), boot=calm_boots),
    st.lists(gap | st.builds(ops.Measure, st.integers(1, 3)).map(lambda one: [one]) | st.just([ops.Request()]),
             min_size=1, max_size=6).map(lambda groups: [one for group in groups for one in group]),
    st.builds(ops.TakeQuote))
stories = st.tuples(st.one_of(attacked, gaps, gaps), st.lists(told | told | changes, min_size=1, max_size=3),
                    st.lists(places, max_size=2))
carriers = st.tuples(attacked, st.lists(changes, min_size=1, max_size=3), st.lists(places, max_size=2))
roots = st.tuples(attacked | gaps, st.builds(Root, st.lists(forgeries, max_size=3).map(tuple),
                                       st.lists(changes | told, max_size=2).map(tuple)))

# ---- Copies

# Nothing but what a copy has is missing from these lists
whole_boots = st.builds(Boot, template=st.sampled_from(("ima-buf", "ima-txt")), events=st.booleans())
whole_setups = st.builds(Setup, banks=st.sampled_from(((BANKS[0], BANKS[1]), (BANKS[1],))), boot=whole_boots)
whole_measures = st.builds(ops.Measure, count=st.integers(1, 5),
                           kind=st.sampled_from(("file", "file", "violation", "signed")))
cut = st.tuples(whole_setups, st.lists(st.one_of(
    whole_measures, st.just(ops.Request()), st.just(ops.Load(2)),
    st.builds(ops.Kexec, whole_boots, room=st.integers(0, 3) | st.just(1000))), max_size=9),
    st.builds(ops.TakeQuote, st.integers(0, 2)))
deleted = st.tuples(whole_setups, st.lists(st.one_of(
    whole_measures, st.just(ops.Request()), st.builds(ops.Delete, st.integers(1, 4), st.just(False))),
    max_size=9).map(lambda history: [*history, ops.Request()]), st.builds(ops.TakeQuote, st.integers(0, 2)))
missing = st.lists(st.builds(Change, st.just("delete"), places, st.integers(1, 6)), max_size=2)
copies: st.SearchStrategy = st.one_of(
    st.tuples(cut | deleted, st.just([]), st.just([]), st.just(True)),
    st.tuples(cut | deleted, missing, st.lists(changes, min_size=1, max_size=2), st.just(False)),
    st.tuples(attacked, st.lists(changes, max_size=2), st.lists(changes, max_size=2), st.just(False)))

altered = st.builds(ops.Request, altered=st.tuples(st.sampled_from(("counter", "values")), st.integers(1, 5)))
faked = st.builds(ops.Measure, fault=st.just("faked"))
buses = st.tuples(st.builds(Setup, banks=banks, boot=st.builds(Boot, hmac=st.booleans())),
                  st.lists(st.one_of(measures, st.builds(ops.Request), altered, faked), max_size=8),
                  st.builds(ops.TakeQuote))
