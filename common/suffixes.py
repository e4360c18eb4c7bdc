"""The public suffixes: the ICANN section of the public suffix list, as packaged, plus the private registries we know.

Source of the rules and of the matching: https://publicsuffix.org/list/ (wildcards `*.ck`, exceptions `!www.ck`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import resources

import idna

from common.core.builtin.tlds import PRIVATE_SUFFIXES

_BEGIN = "// ===BEGIN ICANN DOMAINS==="
_END = "// ===END ICANN DOMAINS==="


@lru_cache(maxsize=1)
def load_suffixes() -> Callable[[str], str | None]:
    """The lookup over the packaged list, read once per process (a few tens of milliseconds).

    The lookup takes a name in A-label form, lower case, no trailing dot, and gives its public suffix, or None where the last
    label is no top-level domain of the list. A name that is itself a suffix gives itself.
    """
    text = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    return build([*icann_rules(text), *PRIVATE_SUFFIXES])


def icann_rules(text: str) -> list[str]:
    """The rules of the ICANN section of a list, with A-labels."""
    section = text.partition(_BEGIN)[2].partition(_END)[0]
    lines = (line.strip() for line in section.splitlines())
    return [_ascii(line.split()[0]) for line in lines if line and not line.startswith("//")]


def build(rules: Iterable[str]) -> Callable[[str], str | None]:
    """A lookup over rules ("uk", "co.uk", "*.ck", "!www.ck"); see `load_suffixes`."""
    every = list(rules)
    wildcards = {rule[2:] for rule in every if rule.startswith("*.")}
    exceptions = {rule[1:] for rule in every if rule.startswith("!")}
    exact = {rule for rule in every if rule[0] not in "*!"} | wildcards  # "*.ck" means that "ck" is a suffix as well
    parents = wildcards | {above for rule in exact for above in _above(rule)}  # where one label more may still match
    tops = frozenset(rule.rpartition(".")[2] for rule in exact)  # the list names co.za and others, but never za

    def suffix_of(name: str) -> str | None:
        dot = name.rfind(".")
        suffix = name[dot + 1 :]
        if suffix not in tops:
            return None
        best = here = suffix
        while dot > 0 and here in parents:
            dot = name.rfind(".", 0, dot)
            longer = name[dot + 1 :]
            if longer in exceptions:
                return here
            if longer in exact or here in wildcards:
                best = longer
            here = longer
        return best

    return suffix_of


def _above(rule: str) -> Iterator[str]:
    while "." in rule:
        rule = rule.partition(".")[2]
        yield rule


def _ascii(rule: str) -> str:
    if rule.isascii():
        return rule.lower()
    return ".".join(part if part.isascii() else idna.encode(part, uts46=True).decode() for part in rule.split("."))
