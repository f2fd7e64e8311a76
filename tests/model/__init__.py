# SPDX-License-Identifier: GPL-2.0-only
"""
A model of a measured machine and its TPM, and of those who attack its measurement list.

It decides what the verifier has to answer, and shares no code with the verifier: it knows what happened because it made
it happen.
"""
