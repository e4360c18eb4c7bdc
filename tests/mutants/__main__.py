"""Faults in the rules, each tried against the tests of its module: `python -m tests.mutants [TARGET]...`.

A target is a module or its folder. Status 1 if a mutant of a strict module survives that is not listed (`listed.toml`), or if
one is listed that the tests kill, or that does not exist; 2 if a suite does not pass without a fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.mutants.faults import TUNING, Mutant, mutants
from tests.mutants.listed import Listed, Result, find_killed, find_stale, read_listed, take_out
from tests.mutants.table import DOCUMENT, print_table, write_document
from tests.mutants.trial import Trial, TrialError

ROOT = Path(__file__).resolve().parents[2]


class Target(NamedTuple):
    """A module and its quick tests, the quickest first; `strict`: what is not listed must not survive them."""

    module: str
    tests: tuple[str, ...]
    strict: bool = True

    @property
    def names(self) -> tuple[str, str]:
        """By what it is asked for: the module, and the folder it is in."""
        path = Path(self.module)
        return path.stem, path.parent.name


def _target(module: str, *tests: str) -> Target:
    """A module of the core, with tests of the same folder where no other is named."""
    room = module.partition("/")[0]
    paths = (test if "/" in test else f"{room}/{test}" for test in tests)
    return Target(f"common/core/{module}.py", tuple(f"tests/core/{path}.py" for path in paths))


TARGETS = (
    _target("model/offers", "test_offers"),
    _target("verdict/gates", "test_gates", "test_positives"),
    _target("verdict/definitive", "test_definitive"),
    _target("verdict/verdicts", "test_states", "test_offers", "test_shares", "test_verdicts"),
    _target("rate_limits/bucket", "test_pace", "test_restarts", "test_stated_rates", "test_load_signs", "test_climb"),
    _target("rate_limits/load_signs", "test_load_signs"),
    _target(
        "rate_limits/budgets", "test_pace", "test_restarts", "test_day_quota", "test_budgets", "test_credentials", "test_climb"
    ),
    _target("rate_limits/policy", "test_policy", "test_credentials", "test_load_signs"),
    _target(
        "rate_limits/query_queue",
        "test_query_queue",
        "test_queue_ranks",
        "test_queue_workers",
        "test_queue_admission",
        "test_queue_order",
        "test_calls",
    ),
    _target("rate_limits/operator_queue", "test_query_queue", "test_queue_ranks", "test_queue_admission", "test_queue_order"),
    _target("rate_limits/calls", "test_calls"),
    _target("rate_limits/credentials", "test_credentials"),
    _target("rate_limits/saved", "test_restarts", "test_stated_rates", "test_credentials", "test_joined_parts"),
    _target("outbox/deliveries", "test_deliveries", "test_deliveries_retries", "test_lanes", "test_deliveries_circuit"),
    _target("outbox/circuit", "test_circuit"),
    _target("outbox/circuits", "test_circuits", "test_lanes"),
    _target("trust/server_trust", "test_trust", "test_verified_servers", "test_canary_gaps", "test_hidden_canaries"),
    _target("trust/canary_gaps", "test_canary_gaps"),
    _target("channels/channel_health", "test_health"),
    _target("verdict/assessor", "test_assessor", "test_assessor_offers", "test_remembered_offers"),
    _target("verdict/learning", "test_learning"),
    _target("checks/registrar_choice", "test_registrar_choice", "test_stand_ins"),
    _target("rate_limits/rate_limits", "test_rate_limits", "test_credentials"),
    _target("trust/canaries", "test_canaries", "test_suspected_servers", "test_followed_offers", "test_hidden_canaries"),
    _target("trust/canary_disputes", "test_canary_disputes"),
    _target("trust/conditions", "test_conditions"),
    _target("trust/early_canaries", "test_early_canaries", "test_registrar_canaries", "test_hidden_canaries"),
    _target("trust/hidden_names", "test_hidden_names", "test_hidden_canaries"),
    _target("trust/known_names", "test_known_names", "test_hidden_canaries"),
    _target("trust/lies", "test_lies", "verdict/test_remembered_offers"),
)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, targets: Sequence[Target] = TARGETS) -> int:
    """Try the targets, print what survived and a table. Returns the exit status."""
    known = sorted({name for target in targets for name in target.names})
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(known)}; all without any")
    parser.add_argument("--write", action="store_true", help=f"write the table of all targets to {DOCUMENT}")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no such target: {', '.join(unknown)}")
    if options.write and options.names:
        parser.error(f"{DOCUMENT} is about all targets")
    chosen = [target for target in targets if not options.names or set(options.names).intersection(target.names)]
    listed = read_listed(root / "tests/mutants/listed.toml")
    wrong = list(find_stale(root, [target.module for target in chosen], [target.module for target in targets], listed))
    try:
        results = _try(root, chosen, listed)
    except TrialError as error:
        print(error, file=sys.stderr)
        return 2
    wrong += find_killed(results, listed)
    print_table(results)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if options.write:
        write_document(root / DOCUMENT, results)
    failed = any(result.survived and target.strict for result, target in zip(results, chosen, strict=True))
    return int(failed or bool(wrong))


def _try(root: Path, targets: Sequence[Target], listed: Listed) -> list[Result]:
    """Try the mutants of these targets, one module after the other, and say how far it is."""
    results: list[Result] = []
    with Trial(root) as trial:
        for number, target in enumerate(targets, 1):
            count = sum(1 for _ in mutants((root / target.module).read_text()))
            print(f"[{number}/{len(targets)}] {target.module}: {count} mutants", flush=True)
            tell = partial(_tell, target.module, listed)
            results.append(take_out(trial.score(target.module, target.tests, tell), listed))
    return results


def _tell(module: str, listed: Listed, mutant: Mutant) -> None:
    if mutant.kind != TUNING and mutant.name not in listed.get(module, ()):
        print(f"{module}:{mutant.line}: {mutant.kind} survived: {mutant.name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
