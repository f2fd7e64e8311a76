# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. "make help" lists what is behind it.
#
# Variables:
#	BASE=6.12	kernel base; the tests run on all bases unless it is given
#	KSRC=DIR	a kernel tree of your own instead of a base
#	FROM=7.3	make port: the base that has the change
#	TO=6.12		make port: the base that gets it
#	COMMITS="..."	make port: only these commits
#	TOPIC=N		make series: only that topic
#	SIGNED_OFF_BY=X	make series: who mails it, as "Name <mail>"
#	KCONFIG=FILE	make kernel-deb: configuration of the kernel (default: of the running one)
#	SUITE=NAME	make check-fresh, check-distro: bookworm or trixie (default: both)
#	FULL=1		make bench: measure more, for hours
#	T=EXPR		make check: only the tests that EXPR matches (pytest -k): T='kexec and boot2'
#	KEYLIME=DIR	make check-keylime: a tree of Keylime
#	BOOTS=N		make check-full T=standstill: how many machines to boot (default: 20)
#	LTP=DIR		make check-full T=ltp: a tree of LTP
#	FUZZ_SECONDS=N	make fuzz: for how long, all fuzzers together (default: 600)

# Tests run on all bases unless one is given. Two machines run at a time.
CHECK := /usr/bin/python3 -m pytest -n 2 --dist loadgroup $(addprefix --base ,$(BASE)) \
	$(if $(T),-k "$(T)") $(addprefix --boots ,$(BOOTS))
BASE ?= 6.12
ON_BASE = /usr/bin/python3 -m pytest --base $(BASE) $(if $(T),-k "$(T)")
KCONFIG ?= /boot/config-$(shell uname -r)
export KSRC LTP

help: ## show this list
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo
	@sed -n '/^# Variables:/,/^$$/{/^$$/q;s/^#[[:space:]]*//p}' $(firstword $(MAKEFILE_LIST)) | sed '1!{s/^/  /;s/\t\t*/\t/}' | expand -t 20

demo: ## install what is missing, build, and show a complete and an incomplete list
	@scripts/deps demo
	@scripts/demo --base $(BASE)

demo-fleet: ## the same for a fleet: nats-server, two verifiers, and four machines
	@scripts/deps demo-fleet
	@scripts/demo-fleet --base $(BASE)

check: ## install what is missing, build, and run the tests
	@scripts/deps check
	@$(CHECK) -m "quick or check"

check-quick: ## the tests for daily work, two minutes
	@scripts/deps check
	@$(CHECK) -m quick

check-full: ## all tests, also those that take hours
	@scripts/deps check-full
	@$(CHECK) -m "quick or check or full"

check-fresh: ## the README's commands on a fresh Debian; two hours for each suite
	@scripts/deps check-fresh
	@/usr/bin/python3 -m pytest -m full $(if $(SUITE),-k "$(SUITE)") tests/test_fresh.py

check-distro: ## a Debian with UEFI firmware and a TPM
	@scripts/deps check-distro
	@/usr/bin/python3 -m pytest -m distro $(if $(SUITE),-k "$(SUITE)") tests/distro

check-keylime: ## Keylime's verifier with imatally, and its own tests: KEYLIME=DIR
	@scripts/deps check-keylime
	@KEYLIME=$(abspath $(KEYLIME)) $(CHECK) -m check --verifier plain tests/imatally/test_keylime.py

mutants: ## show that a test fails when the kernel code breaks a promise
	@scripts/deps check
	@$(ON_BASE) tests/kernel/test_mutants.py

kernel: ## build the kernel with the series
	@scripts/deps demo
	@scripts/kernel --base $(BASE)

tree: ## make a git tree of the kernel with the series to work in
	@scripts/deps demo
	@scripts/tree --base $(BASE)

refresh: ## bring the commits of that tree back as patches and new files
	@scripts/refresh --base $(BASE)

port: ## carry commits from the tree of one base to that of another: FROM=7.3 TO=6.12
	@scripts/deps demo
	@scripts/port --from $(or $(FROM),7.3) --to $(or $(TO),6.12) $(COMMITS)

series: ## write the mailable series, or one topic of it
	@scripts/deps demo
	@scripts/series --base $(BASE) $(addprefix --topic ,$(TOPIC)) $(if $(SIGNED_OFF_BY),--signed-off-by "$(SIGNED_OFF_BY)")

check-series: ## build and boot each patch, other configurations and architectures
	@scripts/deps check-series
	@$(ON_BASE) tests/series/test_each_patch.py

bench: ## measure what it costs, in minutes; with FULL=1 in hours
	@scripts/deps bench
	@bench/bench --base $(BASE)

kernel-deb: ## Debian packages of the kernel with the series: KCONFIG=/boot/config-...
	@scripts/deps kernel-deb
	@scripts/kernel-deb --base $(BASE) --config "$(KCONFIG)"

docs: ## build the kernel documentation of the series to HTML
	@scripts/deps docs
	@scripts/docs --base $(BASE)

imatally: ## build the verifier
	@scripts/deps verifier
	@$(MAKE) --no-print-directory -C tools/ima

fuzz: ## fuzz the verifier for FUZZ_SECONDS
	@scripts/deps check
	@$(MAKE) --no-print-directory -C tools/ima fuzz FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600)

deb: ## build Debian packages of the verifier and its library, in build/deb
	@scripts/deps check
	@$(MAKE) --no-print-directory -C tools/ima deb

clean: ## remove build/; the caches in your home folder stay
	rm -rf build

.PHONY: help demo demo-fleet check check-quick check-full check-fresh check-distro check-keylime mutants kernel tree refresh port series check-series bench kernel-deb docs imatally fuzz deb clean
