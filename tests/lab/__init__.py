# SPDX-License-Identifier: GPL-2.0-only
"""
The lab: builds kernels, boots them with a TPM, breaks them, and reads what they print.

Commands use it too, on machines without the packages of the tests. So no module here imports pytest, nor another
package when it is loaded: what pytest is told is in tests/conftest.py.
"""
