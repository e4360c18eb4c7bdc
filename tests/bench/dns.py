"""What a DNS answer costs, against a real name server on this machine: `make bench ARGS="dns"`, `ARGS="dns --quick"`.

Rounds of all clients take turns, so that the rest of the machine disturbs them alike; medians count, and CPU time counts more
than rate. `answer` is the CPU time of the client per answer, `with server` adds what the name server used meanwhile.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests.bench import dns_zone
from tests.bench.dns_zone import Server

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "benchmarks" / "dns.json"
#: Names that a client is given, where it cannot do all of them in a reasonable time.
FEWER = {"careful": 4000, "dnspython": 2000, "aiodns": 6000}
CASES = ("dnsperf", "sweep", "checker", "careful", "aiodns", "dnspython")
COLUMNS = ("cpu", "server_cpu", "both", "rate", "foreign")


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table, and write the results where asked."""
    options = _options(arguments)
    servers = dns_zone.available()
    if not servers:
        print("neither nsd nor knotd is installed: no DNS benchmark (apt-get install nsd knot dnsperf)")
        return
    cases = [case for case in CASES if (not options.only or case in options.only) and usable(case)]
    found: dict[str, object] = {}
    for count in options.names:
        with tempfile.TemporaryDirectory() as folder:
            rounds = measure(Path(folder), options.server or servers[0], count, options.rounds, cases)
        summary = summarise(rounds)
        print(f"\n{count:,} delegations and {int(count * dns_zone.MISSING):,} missing names, {options.rounds} rounds")
        print_table(summary)
        found[str(count)] = {"rounds": rounds, "summary": summary, "ratios": ratios(rounds)}
    if options.save:
        save(found, machine(options.server or servers[0]))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='make bench ARGS="dns ..."', description=__doc__)
    parser.add_argument("only", nargs="*", help=f"clients to measure, of {', '.join(CASES)}")
    parser.add_argument(
        "--names", type=int, nargs="+", default=[100_000], help="delegations in the zone; several: one table each"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=dns_zone.available())
    parser.add_argument("--quick", action="store_true", help="10,000 names, 2 rounds")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if options.quick:
        options.names, options.rounds = [10_000], 2
    return options


def measure(folder: Path, server_name: str, count: int, rounds: int, cases: list[str]) -> list[dict[str, dict[str, float]]]:
    """Per round and client, what it took. Clients get another CPU than the server, and a new order each round."""
    names = dns_zone.write(folder, count)
    (folder / "names.txt").write_text("\n".join(names), encoding="ascii")
    (folder / "queries.txt").write_text("".join(f"{name} NS\n" for name in names), encoding="ascii")
    cpus = sorted(os.sched_getaffinity(0))
    found = []
    with dns_zone.serving(folder, server_name, cpus[0] if len(cpus) > 1 else None) as server:
        pin = ["taskset", "-c", str(cpus[-1])] if len(cpus) > 1 and shutil.which("taskset") else []
        for number in range(rounds):
            order = cases[number % len(cases) :] + cases[: number % len(cases)]
            found.append({case: _run(case, folder, server, names, pin) for case in order})
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return found


def _run(case: str, folder: Path, server: Server, names: dict[str, bool], pin: list[str]) -> dict[str, float]:
    """One client, once. CPU times in microseconds per answer."""
    busy, server_cpu, started = dns_zone.busy(), server.cpu(), time.monotonic()
    if case == "dnsperf":
        asked, (answers, client) = len(names), _dnsperf(folder, server, len(names), pin)
    else:
        asked = min(len(names), FEWER.get(case, len(names)))
        answers, client = _python(case, folder, server, names, pin)
    used_by_server = server.cpu() - server_cpu
    elapsed = time.monotonic() - started
    foreign = (dns_zone.busy() - busy - client["cpu_whole"] - used_by_server) / elapsed
    per_answer = 1e6 / max(1, answers)
    found = {
        "answers": answers,
        "lost": asked - answers,
        "cpu": client["cpu"] * per_answer,
        "cpu_whole": client["cpu_whole"] * per_answer,
        "server_cpu": used_by_server * per_answer,
        "both": (client["cpu"] + used_by_server) * per_answer,
        "rate": answers / client["wall"],
        "foreign": foreign,
    }
    return {name: round(value, 3) for name, value in found.items()}


def _python(case: str, folder: Path, server: Server, names: dict[str, bool], pin: list[str]) -> tuple[int, dict[str, float]]:
    count = min(len(names), FEWER.get(case, len(names)))
    command = [sys.executable, "-m", "tests.bench.dns_client", case, str(server.port), str(folder / "names.txt"), str(count)]
    output = subprocess.run([*pin, *command], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    found = json.loads(output)
    right = found["answers"].get("delegated", 0) + found["answers"].get("missing", 0)
    if right < 0.999 * count or (
        case == "sweep" and found["answers"].get("missing") != list(names.values())[:count].count(False)
    ):
        print(f"{case}: not every answer was right: {found['answers']}", file=sys.stderr)
    return right, found


def _dnsperf(folder: Path, server: Server, count: int, pin: list[str]) -> tuple[int, dict[str, float]]:
    """Run dnsperf with one client socket and as many queries under way as a sweep; CPU time of the whole process.

    Without a large buffer it loses answers, and spins until they time out.
    """
    command = ["dnsperf", "-e", "-s", "127.0.0.1", "-p", str(server.port), "-d", str(folder / "queries.txt")]
    command += ["-n", "1", "-c", "1", "-T", "1", "-q", "256", "-b", "1024"]
    process = subprocess.Popen([*pin, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    rate = float(re.findall(r"Queries per second:\s+([\d.]+)", output)[0])
    completed = int(re.findall(r"Queries completed:\s+(\d+)", output)[0])
    if completed < count:
        print(f"dnsperf: {completed} of {count} answered, the CPU time is too high", file=sys.stderr)
    cpu = used.ru_utime + used.ru_stime
    return completed, {"cpu": cpu, "cpu_whole": cpu, "wall": completed / rate}


def save(zones: dict[str, object], measured_on: dict[str, str]) -> None:
    """Write the results; zones of other sizes that were measured on the same machine before stay."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if before.get("machine") == measured_on:
        zones = {**before["zones"], **zones}
    RESULTS.write_text(json.dumps({"machine": measured_on, "zones": zones}, indent=1) + "\n", encoding="utf-8")


def summarise(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """Per client and column: median, least, most."""
    found: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for case in rounds[0]:
        for column in (*COLUMNS, "cpu_whole"):
            values = [row[case][column] for row in rounds]
            found[case][column] = [round(value, 3) for value in (statistics.median(values), min(values), max(values))]
    return dict(found)


def ratios(rounds: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    """Medians over the rounds of ratios within a round: the sweep to dnsperf, the others to the sweep."""
    found = {}
    for column in ("cpu", "both"):
        for case in rounds[0]:
            if case != "sweep" and "sweep" in rounds[0]:
                pairs = [(row["sweep"][column], row[case][column]) for row in rounds]
                name = f"sweep to dnsperf, {column}" if case == "dnsperf" else f"{case} to sweep, {column}"
                found[name] = round(
                    statistics.median(mine / its if case == "dnsperf" else its / mine for mine, its in pairs), 3
                )
    return found


def print_table(summary: dict[str, dict[str, list[float]]]) -> None:
    """One line for each client."""
    heads = ("answer us", "server us", "with server us", "answers/s", "foreign cores")
    print(f"{'client':<10}" + "".join(f"{head:>28}" for head in heads))
    for case, columns in sorted(summary.items(), key=lambda item: item[1]["cpu"][0]):
        cells = []
        for column in COLUMNS:
            form = ",.0f" if column == "rate" else ".1f"
            middle, least, most = (format(value, form) for value in columns[column])
            cells.append(f"{f'{middle} ({least}-{most})':>28}")
        print(f"{case:<10}" + "".join(cells))


def machine(server: str) -> dict[str, str]:
    """What the numbers were measured on."""
    versions = {"python": platform.python_version(), "kernel": platform.release(), "cpus": str(os.cpu_count())}
    program = {"nsd": ["nsd", "-v"], "knot": ["knotd", "--version"]}[server]
    versions["server"] = _first_line([dns_zone._which(program[0]) or program[0], *program[1:]])
    if shutil.which("dnsperf"):
        versions["dnsperf"] = next((line for line in _output(["dnsperf", "-h"]).splitlines() if "ersion" in line), "")
    return versions


def _first_line(command: list[str]) -> str:
    return (_output(command).splitlines() or [""])[0]


def _output(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def usable(case: str) -> bool:
    """Whether a client is installed; says so where it is not."""
    if case == "dnsperf" and not shutil.which("dnsperf"):
        print("dnsperf is not installed: left out")
        return False
    if case == "aiodns" and importlib.util.find_spec("aiodns") is None:
        print("aiodns is not installed: left out")
        return False
    return True


if __name__ == "__main__":
    main()
