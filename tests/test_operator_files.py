"""The files that settings name are read before anything starts, and what is wrong in them is told with setting and file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common import operator_files
from common.budget_keys import list_operators
from common.config import load
from common.errors import ConfigError


def problems(folder: Path, **files: Any) -> list[str]:
    """What is wrong with these files; each is written as JSON, or as the bytes it is."""
    environ = {}
    for name, content in files.items():
        path = folder / f"{name.lower()}.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        environ[name] = str(path)
    try:
        operator_files.check_files(load(environ))
    except ConfigError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("rdap/verisgn", "did you mean rdap/verisign?"),
        ("verisign", "did you mean rdap/verisign?"),
        ("rdpa/verisign", "did you mean rdap/verisign?"),
        ("dns/gtld-server", "did you mean dns/gtld-servers?"),
        ("dns/comm", ""),
        ("whois/nominett", "did you mean whois/nominet?"),
        ("dnss/*", "did you mean dns/*?"),
        ("http/wbe", "did you mean http/web?"),
    ],
)
def test_an_operator_that_does_not_exist_is_an_error(tmp_path: Path, key: str, hint: str) -> None:
    """Its row would never apply, and the built-in pace stay in force without a word."""
    (problem,) = problems(tmp_path, BUDGETS_FILE={key: {"rate": 1}})

    assert problem.startswith("BUDGETS_FILE: ")
    assert f'"{key}" is no operator' in problem
    assert hint in problem


def test_every_key_that_can_apply_is_taken(tmp_path: Path) -> None:
    """Operators, wildcards, suffixes, hosts with and without port or kind, addresses, and the servers of the other files."""
    keys = [
        *list_operators(),
        *("*", "rdap/*", "dns/*", "dns/co.uk", "dns/com", "dns/se", "dns/."),
        *("whois.nic.xyz", "127.0.0.1", "rdap/127.0.0.1:4343", "whois/whois.nic.uk:43", "[::1]:43", "::1", "2001:db8::1"),
        *("rdap/registry", "whois/whois-server:4343", "das/das-server:4343", "das/registro-br"),
    ]

    assert not problems(
        tmp_path,
        BUDGETS_FILE={key: {"rate": 1} for key in keys},
        WHOIS_SERVERS_FILE={"xyz": "whois-server:4343"},
        DAS_SERVERS_FILE={"xyz": "das-server:4343"},
        RDAP_SERVERS_FILE={"version": "1.0", "services": [[["xyz"], ["http://registry/"]]]},
    )


@pytest.mark.parametrize(
    "content",
    [
        *(b"{", b"[]", b'{"rdap/*": {"rate": NaN}}', b'{"rdap/*": {"rate": 1e999}}'),
        {"rdap/*": {"rate": -1}},
        {"rdap/*": {"rate": "fast"}},
        {"rdap/*": {"rate": 1e9}},
        {"rdap/*": {"rate": 1, "burst": 0}},
        {"rdap/*": {"rate": 1, "brust": 3}},
    ],
)
def test_wrong_numbers_and_forms_are_told(tmp_path: Path, content: Any) -> None:
    """Not a number, endless, negative, a misspelt column, no JSON."""
    assert problems(tmp_path, BUDGETS_FILE=content)[0].startswith(f"BUDGETS_FILE: {tmp_path}/budgets_file.json: ")


def test_all_files_are_checked_at_once(tmp_path: Path) -> None:
    """Six wrong files are six sentences, not six starts."""
    found = problems(
        tmp_path,
        BUDGETS_FILE=b"{",
        CANARIES_FILE={"com": ["x.org"]},
        RDAP_SERVERS_FILE=[],
        WHOIS_SERVERS_FILE=[],
        DAS_SERVERS_FILE=[],
        TLS_CA_FILE=b"x",
    )

    assert sorted(problem.partition(":")[0] for problem in found) == [
        "BUDGETS_FILE", "CANARIES_FILE", "DAS_SERVERS_FILE", "RDAP_SERVERS_FILE", "TLS_CA_FILE", "WHOIS_SERVERS_FILE",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all", ""),
        ("it, co.uk", ""),
        ("be", ""),
        ("com", "no availability service of .com is known"),
        ("it,dk", "the service of .dk needs a login"),
        ("it,nl", "the registry of .nl forbids automated queries"),
    ],
)
def test_a_suffix_without_a_service_to_ask_is_an_error(text: str, words: str) -> None:
    """It would have no effect, without a word."""
    settings = load({"DAS_SUFFIXES": text})

    if not words:
        operator_files.check_files(settings)
        return
    with pytest.raises(ConfigError) as caught:
        operator_files.check_files(settings)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("DAS_SUFFIXES: ")
    assert words in caught.value.problems[0]


def test_a_registry_that_forbids_queries_may_permit_them(tmp_path: Path) -> None:
    """A rate in BUDGETS_FILE says so; a file that is wrong is one problem, not two."""
    budgets = tmp_path / "budgets.json"
    budgets.write_text('{"das/whois.domain-registry.nl": {"rate": 0.1}}')
    settings = load({"DAS_SUFFIXES": "nl", "BUDGETS_FILE": str(budgets)})
    assert operator_files.load_das_suffixes(settings) == ("nl",)

    budgets.write_text('{"das/*": {"rate": 0}}')
    with pytest.raises(ConfigError, match="forbids automated queries"):
        operator_files.load_das_suffixes(settings)

    budgets.write_text("{")
    with pytest.raises(ConfigError) as caught:
        operator_files.check_files(settings)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["BUDGETS_FILE"]
