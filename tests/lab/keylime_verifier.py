# SPDX-License-Identifier: GPL-2.0-only
"""
A process of Keylime's verifier, as far as it judges quotes: run by tests with Keylime's tree in PYTHONPATH.

Standard input is one JSON object: the modules to import, the state of an agent that Keylime's database has kept, and
quotes. Standard output is one: the failure events of each quote, and the state for the database.
"""

import importlib
import json
import sys


def main() -> None:
    given = json.load(sys.stdin)
    for module in given["imports"]:
        importlib.import_module(module)
    from keylime.agentstates import AgentAttestStates
    from keylime.common.algorithms import Hash
    from keylime.tpm.tpm_main import Tpm

    states = AgentAttestStates.get_instance()
    agent = given.get("agent")
    if agent and given.get("kept"):
        kept = given["kept"]
        states.add(agent, 0, {10: bytes.fromhex(kept["pcr"])} if kept["pcr"] else {}, kept["next"], {})
    state = states.get_by_agent_id(agent) if agent else None
    answers = []
    for quote in given["quotes"]:
        if state is not None and quote["from_start"]:
            state.reset_ima_attestation()
        first = state.get_next_ima_ml_entry() if state is not None else 0
        check = getattr(Tpm, "_Tpm__check_ima")
        failure = check(state, quote["pcr"], "\n".join([*quote["lines"][first:], ""]), given["policy"], None, None,
                        Hash(given["alg"]))
        answers.append({"first": first, "events": failure.get_event_ids(),
                        "contexts": [event.context for event in failure.events]})
    pcr = state.get_ima_pcrs().get(10) if state is not None else None
    next_entry = state.get_next_ima_ml_entry() if state is not None else 0
    print("\n" + json.dumps({"answers": answers, "kept": {"next": next_entry, "pcr": pcr.hex() if pcr else ""}}))


if __name__ == "__main__":
    main()
