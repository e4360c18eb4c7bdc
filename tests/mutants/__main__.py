"""Faults in the rules, each tried against the tests of its module: `python -m tests.mutants [TARGET]...`.

Status 1 if something can be deleted from a module whose tests must notice that; 2 if a suite does not pass without a fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.mutants.faults import Mutant
from tests.mutants.trial import Score, Trial, TrialError

ROOT = Path(__file__).resolve().parents[2]


class Target(NamedTuple):
    """A module and its quick tests; `strict`: they must notice whatever is deleted from it."""

    module: str
    tests: tuple[str, ...]
    strict: bool = False


TARGETS = {
    "gates": Target(
        "common/core/verdict/gates.py",
        ("tests/core/verdict/test_gates.py", "tests/core/verdict/test_positives.py"),
        strict=True,
    ),
    "queue": Target(
        "common/core/rate_limits/query_queue.py", ("tests/core/rate_limits", "tests/core/checks/test_work_goes_round.py")
    ),
    "budgets": Target("common/core/rate_limits/budgets.py", ("tests/core/rate_limits",), strict=True),
    "policy": Target("common/core/rate_limits/policy.py", ("tests/core/rate_limits/test_policy.py",), strict=True),
    "bucket": Target(
        "common/core/rate_limits/bucket.py",
        ("tests/core/rate_limits/test_pace.py", "tests/core/rate_limits/test_restarts.py"),
    ),
    "health": Target("common/core/channels/channel_health.py", ("tests/core/channels/test_health.py",)),
    "early": Target("common/core/trust/early_canaries.py", ("tests/core/trust/test_early_canaries.py",)),
    "trust": Target(
        "common/core/trust/server_trust.py", ("tests/core/trust/test_trust.py", "tests/core/trust/test_verified_servers.py")
    ),
}


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, targets: Mapping[str, Target] = TARGETS) -> int:
    """Try the targets, print what survived and a table. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(targets)}; all without any")
    names = parser.parse_args(arguments).names or list(targets)
    if unknown := [name for name in names if name not in targets]:
        parser.error(f"no such target: {', '.join(unknown)}")
    chosen = [target for target in (targets[name] for name in names) if _has_tests(root, target)]
    try:
        with Trial(root) as trial:
            scores = [trial.score(target.module, target.tests, partial(_tell, target.module)) for target in chosen]
    except TrialError as error:
        print(error, file=sys.stderr)
        return 2
    _print_table(scores)
    return int(any(score.deleted and target.strict for score, target in zip(scores, chosen, strict=True)))


def _has_tests(root: Path, target: Target) -> bool:
    """Whether the tests of a target are there; says so where they are not."""
    missing = [path for path in target.tests if not (root / path).exists()]
    if missing:
        print(f"{target.module}: skipped, there is no {', '.join(missing)}")
    return not missing


def _tell(module: str, mutant: Mutant) -> None:
    print(f"{module}:{mutant.line}: {mutant.kind} survived: {mutant.text}", flush=True)


def _print_table(scores: list[Score]) -> None:
    print(f"\n{'module':34}{'mutants':>8}{'killed':>8}{'late':>6}{'survived':>10}{'deleted':>9}{'seconds':>9}")
    for score in scores:
        survived = len(score.survivors)
        whole = score.killed + score.late + survived
        print(f"{score.module:34}{whole:8}{score.killed:8}{score.late:6}{survived:10}{score.deleted:9}{score.seconds:9.1f}")


if __name__ == "__main__":
    sys.exit(main())
