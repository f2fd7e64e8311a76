# SPDX-License-Identifier: GPL-2.0-only
"""The lab: builds kernels, boots them with a TPM, breaks them, and reads what they print."""
