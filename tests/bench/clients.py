"""What an answer of RDAP and WHOIS costs, with thousands of slow ones under way: `make bench ARGS="clients"`.

The checkers ask real servers in another process, 50 hosts behind one port: RDAP over TLS with connections that stay, WHOIS with
one for each question. `cpu` is the CPU time of the asking process for each answer; `memory` is how much its resident memory
grew at most, divided by the questions that were under way at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import trustme

from actors.checkers.contract import Checker, Context
from actors.checkers.deep import whois
from actors.checkers.intermediate import rdap
from common import clock
from common.config import load
from common.messages import Task
from tests.bench import slow_servers
from tests.bench.slow_servers import HOSTS

ROOT = Path(__file__).resolve().parents[2]
#: Per case: method, seconds until a server answers, questions in all, questions under way at once.
CASES = {
    "rdap": ("rdap", 0.0, 6000, 200),
    "whois": ("whois", 0.0, 6000, 200),
    "rdap, slow": ("rdap", 0.05, 6000, 2000),
    "whois, slow": ("whois", 3.0, 6000, 2000),
}
LOOPS = ("asyncio", "uvloop")


class Names:
    """A resolver for the hosts of the benchmark."""

    async def addresses(self, host: str) -> list[str]:
        """The one address of a host."""
        return [slow_servers.address_of(host)]


def main(arguments: list[str] | None = None) -> None:
    """Measure all cases in turns, and print the table; or one case, as the process that asks."""
    parser = argparse.ArgumentParser(prog='make bench ARGS="clients ..."', description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a fifth of the questions, one round")
    parser.add_argument("--case", nargs=5, metavar=("CASE", "LOOP", "PORT", "FOLDER", "SHARE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(measure(*options.case)))
        return
    loops = [loop for loop in LOOPS if loop == "asyncio" or importlib.util.find_spec(loop)]
    found: dict[tuple[str, str], list[dict[str, float]]] = {(case, loop): [] for case in CASES for loop in loops}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certify(folder)
        for number in range(1 if options.quick else options.rounds):
            for (case, loop), rows in found.items():
                rows.append(run(case, loop, folder, "0.2" if options.quick else "1"))
            print(f"round {number + 1}", file=sys.stderr)
    print(f"{'case':<14}{'loop':<10}{'cpu us':>22}{'answers/s':>12}{'memory KiB':>12}")
    for (case, loop), rows in found.items():
        cpu = [row["cpu"] for row in rows]
        rate, memory = (statistics.median(row[column] for row in rows) for column in ("rate", "memory"))
        shown = f"{statistics.median(cpu):.0f} ({min(cpu):.0f}-{max(cpu):.0f})"
        print(f"{case:<14}{loop:<10}{shown:>22}{rate:>12,.0f}{memory:>12.1f}")


def certify(folder: Path) -> None:
    """An authority, and its certificate for all hosts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(f"*.{slow_servers.DOMAIN}").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))


def run(case: str, loop: str, folder: Path, share: str) -> dict[str, float]:
    """One case in a process of its own, on another CPU than its servers where there are two."""
    method, delay, _, _ = CASES[case]
    cpus = sorted(os.sched_getaffinity(0))
    pins = [["taskset", "-c", str(cpu)] if len(cpus) > 1 and shutil.which("taskset") else [] for cpu in (cpus[0], cpus[-1])]
    with serving(method, delay, folder, pins[0]) as port:
        command = [sys.executable, "-m", "tests.bench.clients", "--case", case, loop, str(port), str(folder), share]
        output = subprocess.run([*pins[1], *command], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    found: dict[str, float] = json.loads(output)
    return found


@contextlib.contextmanager
def serving(method: str, delay: float, folder: Path, pin: list[str]) -> Iterator[int]:
    """The servers of one method; gives their port."""
    command = [sys.executable, "-m", "tests.bench.slow_servers", method, str(delay), str(folder / "server.pem")]
    process = subprocess.Popen([*pin, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield int((process.stdout.readline() if process.stdout else "") or 0)
    finally:
        process.terminate()
        process.wait()


def measure(case: str, loop: str, port: str, folder: str, share: str) -> dict[str, float]:
    """Ask, and what it took."""
    method, _, total, at_once = CASES[case]
    count = int(total * float(share))
    runner: Callable[[Coroutine[Any, Any, Counter[str]]], Counter[str]] = asyncio.run
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - an optional guest

        runner = uvloop.run
    checker = checker_of(method, Path(folder))
    used, before, started = cpu(), peak(), time.monotonic()
    answers = runner(ask(checker, method, int(port), count, at_once))
    elapsed = time.monotonic() - started
    right = answers["registered"]
    if right < count:
        print(f"{case}: not every answer was right: {answers}", file=sys.stderr)
    return {
        "cpu": (cpu() - used) / count * 1e6,
        "rate": count / elapsed,
        "memory": (peak() - before) / min(count, at_once),
        "right": right,
    }


def checker_of(method: str, folder: Path) -> Checker:
    """The checker, with the hosts of the benchmark."""
    settings = load(
        {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "TLS_CA_FILE": str(folder / "ca.pem"), "STATE_DIR": str(folder)}
    )
    context = Context(settings, clock.now, clock.monotonic)
    if method == "rdap":
        return rdap.RdapChecker(context, Names())
    return whois.WhoisChecker(context)


async def ask(checker: Checker, method: str, port: int, count: int, at_once: int) -> Counter[str]:
    """So many questions, that many of them under way; the outcomes."""
    found: Counter[str] = Counter()
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            host = slow_servers.host_of(number % HOSTS)
            server = f"https://{host}:{port}/" if method == "rdap" else f"{slow_servers.address_of(host)}:{port}"
            task = Task("a.1", 1, method, f"name{number}.com", "com", server, budget_ms=120_000)
            found[(await checker.check(task)).reading.outcome.value] += 1

    await asyncio.gather(*(work() for _ in range(at_once)))
    await checker.close()
    return found


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> float:
    """Most resident memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
