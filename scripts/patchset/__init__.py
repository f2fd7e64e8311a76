# SPDX-License-Identifier: GPL-2.0-only
"""The patch series: its sources, its trees, its mails."""
