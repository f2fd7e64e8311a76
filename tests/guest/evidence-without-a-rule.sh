#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_evidence.py where no rule of the policy asks for
# records: collect evidence with an RSA key. /out has imatally and its libraries.

export LD_LIBRARY_PATH=/out/lib
/out/imatally collect --create-ak /out/ak.pem --ak /tmp/ak.ctx --ak-alg rsa &&
	/out/imatally collect --ak /tmp/ak.ctx --nonce 01 --out /out/evidence.first
