"""Runs test suites one after the other, each in a fork of a process that has the libraries loaded already.

Started as a file in the copy of a tree, with that copy first on the path. An order is a line of JSON: the paths of `tests`, the
`module` they are about (dotted), a `limit` in seconds, and `save`, whether compiled files are kept. The answer is one, too:
`status` is passed, failed, late or foreign (the module came from elsewhere), `seconds` how long it took. All seconds are the
processor's, which other load does not use up.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import signal
import sys
from math import ceil
from pathlib import Path

import pytest
from hypothesis import Phase, settings

#: What the suites need of others; nothing of the tree itself.
LIBRARIES = (
    "hypothesis.strategies",
    "_hypothesis_pytestplugin",
    "pytest_timeout",
    "msgspec",
    "numpy",
    "idna",
    "logging.config",
)
#: Why a test failed is not looked at, so its assertions need not be taken apart, plugins may be loaded beforehand, and no
#: smaller example that fails is sought (`PHASES`). Pure rules need none of the fixtures that keep a test off the network.
OPTIONS = ("-x", "-q", "--assert=plain", "--noconftest", "-p", "no:cacheprovider", "--hypothesis-seed=0")
PHASES = (Phase.explicit, Phase.generate)
#: Most memory of a suite, in bytes: a fault may turn a loop into one without an end.
MEMORY = 4 << 30
#: By the clock a suite may take so many times its limit.
IDLE = 10
#: Where a suite prints to, in the copy.
OUTPUT = "output.txt"
#: The status of a suite that passed and did not load the module from the copy.
FOREIGN = 98


def main() -> None:
    """Take orders until there are no more."""
    for name in LIBRARIES:
        importlib.import_module(name)
    settings.register_profile("mutants", phases=PHASES, database=None)
    settings.load_profile("mutants")
    context = multiprocessing.get_context("fork")
    for line in sys.stdin:
        order = json.loads(line)
        before = _used()
        child = context.Process(target=_test, args=(order["tests"], order["module"], order["limit"], order["save"]))
        child.start()
        child.join(IDLE * order["limit"])
        late = child.is_alive() or child.exitcode == -signal.SIGXCPU
        child.kill()
        child.join()
        status = "late" if late else {0: "passed", FOREIGN: "foreign"}.get(child.exitcode, "failed")
        print(json.dumps({"status": status, "seconds": _used() - before}), flush=True)


def _used() -> float:
    """Seconds of the processor that the suites took so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _test(tests: list[str], module: str, limit: float, save: bool) -> None:
    """Run these tests here and end with pytest's status; what they print goes to a file."""
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(limit), ceil(limit) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    log = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.dont_write_bytecode = not save
    status = int(pytest.main([*OPTIONS, *tests]))
    if status == 0:
        source = getattr(sys.modules.get(module), "__file__", None)
        status = 0 if source and Path(source).is_relative_to(Path.cwd()) else FOREIGN
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
