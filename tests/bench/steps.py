"""How many of each step one core does in a second: `make bench ARGS="steps --seconds 2 rdap"`.

Numbers of one run on one machine are comparable with each other, and with another version only if both ran side by side.
"""

from __future__ import annotations

import argparse
import base64
import json
import timeit
from collections.abc import Callable

import dns.message
import dns.rrset

from common.codec import decode_downward, decode_upward, encode
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.registries.registrable_names import parse_domain_name
from common.core.verdict.offline import read_answer
from common.messages import MAX_BATCH, VERSION, Credit, Result, Results, Task, Tasks
from common.suffixes import load_suffixes
from tests.bench import samples

#: Measurements of each step; the best one counts, the others met other work of the machine.
REPEATS = 5


def steps() -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, by name: a call, and how many units one call does."""
    suffix_of = load_suffixes()
    tasks = Tasks(tuple(Task(f"boot.{number}", number, "dns", f"name{number}.com", "com") for number in range(MAX_BATCH)))
    credit = Credit(VERSION, "fast-0@host", "boot", "fast", "default", ("dns", "http"), 256, 100, 5)
    observation = Observation(
        "dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"), "a.gtld-servers.net", "192.0.2.1:53/udp"
    )
    results = Results(credit, tuple(Result(f"boot.{number}", observation) for number in range(MAX_BATCH)))
    tasks_frame, results_frame = encode(tasks), encode(results)
    rdap = samples.RDAP | {"ldhName": "EXAMPLE.COM"}
    answers = {
        "whois": ("whois", "whois.verisign-grs.com", {"text": samples.WHOIS % "EXAMPLE.COM"}),
        "rdap": (
            "rdap",
            "rdap.verisign.com",
            {"status": 200, "headers": {"content-type": "application/rdap+json"}, "body": json.dumps(rdap)},
        ),
        "dns": ("dns", "a.gtld-servers.net", {"wire_b64": base64.b64encode(referral()).decode()}),
    }
    found: dict[str, tuple[Callable[[], object], int]] = {
        "normalise a name": (lambda: parse_domain_name("Bücher.COM", suffix_of), 1),
        "encode tasks": (lambda: encode(tasks), MAX_BATCH),
        "decode tasks": (lambda: decode_downward(tasks_frame), MAX_BATCH),
        "encode results": (lambda: encode(results), MAX_BATCH),
        "decode results": (lambda: decode_upward(results_frame), MAX_BATCH),
    }
    for name, (method, server, answer) in answers.items():
        found[f"read a {name} answer"] = (reader(method, server, answer), 1)
    return found


def reader(method: str, server: str, answer: dict[str, object]) -> Callable[[], object]:
    """A call that reads one recorded answer; it must be understood, or the number would mean nothing."""
    reading = read_answer(method, server, "example.com", "com", answer)
    assert reading.outcome is Outcome.REGISTERED, reading
    return lambda: read_answer(method, server, "example.com", "com", answer)


def referral() -> bytes:
    """A registry's DNS answer for a delegated name."""
    message = dns.message.make_response(dns.message.make_query("example.com", "NS"))
    message.authority.append(dns.rrset.from_text("example.com.", 172_800, "IN", "NS", "a.example.net.", "b.example.net."))
    return message.to_wire()


def rate(call: Callable[[], object], units: int, seconds: float) -> float:
    """Units a second, the best of several measurements of `seconds` together."""
    timer = timeit.Timer(call)
    number = max(1, int(seconds / REPEATS / max(timer.timeit(1), 1e-7)))
    return units * number / min(timer.repeat(REPEATS, number))


def main(arguments: list[str]) -> None:
    """Measure and print one line for each step."""
    parser = argparse.ArgumentParser(prog='make bench ARGS="steps ..."', description=__doc__)
    parser.add_argument("only", nargs="*", help="words; only steps with one of them in their name")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each step")
    parser.add_argument("--json", action="store_true", help="one JSON object with all rates")
    args = parser.parse_args(arguments)
    rates = {
        name: rate(call, units, args.seconds)
        for name, (call, units) in steps().items()
        if not args.only or any(word in name for word in args.only)
    }
    if args.json:
        print(json.dumps({name: round(value) for name, value in rates.items()}))
        return
    for name, value in rates.items():
        print(f"{name:<22} {value:>12,.0f} /s  {1e6 / value:>9.2f} us")
