"""The direction of every import and the one place of every side effect, read from the source; and what each process loads.

core, messages <- codec, config, bus, store, clients <- checkers <- actors <- tests
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 400

#: The rooms of the core, the highest first. A room may import those of lower levels, none of its own level or above.
LEVELS = (
    ("coordinator",),
    ("sweeps", "watchlist", "publications"),
    ("checks",),
    ("audit",),
    ("verdict", "outbox"),
    ("trust",),
    ("channels", "domains"),
    ("lifecycle",),
    ("schedule", "rate_limits"),
    ("registries", "workers"),
    ("shards",),
    ("parsers",),
    ("builtin",),
    ("model",),
)
#: May be imported by every room above the model, and imports the model alone.
FOR_ALL = "telemetry"
#: What is as pure as the core: the rooms themselves, and what keeps processes alive.
PURE = ("common/core/", "common/processes/")
#: Most modules of the core that are in no room, and most file names that stand twice in the product.
MOST_FLAT, MOST_TWICE = 3, 6
#: Methods have a parser, a checker and sometimes a client of one name, and an entry point is a main.
SAME_NAMES = {"__init__.py", "__main__.py", "main.py", "dns.py", "http.py", "rdap.py", "whois.py", "das.py"}

#: Modules of which a single file (or folder) of the product may know, and that place.
ONE_PLACE = {
    "zmq": "common/bus/",
    "time": "common/clock.py",
    "msgpack": "actors/cli/tail.py",
    "msgspec.msgpack": "common/codec.py",
    "os.environ": "common/config.py",
    "os.getenv": "common/config.py",
    "os.putenv": "common/config.py",
    "socket": "common/clients/",
    "datetime.now": "common/clock.py",
    "datetime.utcnow": "common/clock.py",
    "datetime.today": "common/clock.py",
    "date.today": "common/clock.py",
}

#: What a pure core does without: clocks, chance, files, sockets, threads, the environment, and libraries that use them.
IMPURE = {
    "aiohttp", "asyncio", "concurrent", "ctypes", "fcntl", "glob", "http", "importlib", "io", "logging", "multiprocessing",
    "os", "pathlib", "platform", "random", "requests", "secrets", "select", "sentry_sdk", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "supervisor", "sys", "tempfile", "threading", "time", "urllib.request", "zmq",
}  # fmt: skip
#: A generator of random numbers comes in as an argument, so its type may be named, not called.
TYPES_ONLY = "random.Random"
THIRD_PARTY_IN_CORE = {"msgspec", "idna", "dns", "numpy", "defusedxml"}
#: Parts of dnspython that open sockets.
IMPURE_DNS = {
    "dns.query",
    "dns.resolver",
    "dns.asyncquery",
    "dns.asyncresolver",
    "dns.quic",
    "dns.nameserver",
    "dns.asyncbackend",
}
IMPURE_CALLS = {"open", "input", "print", "eval", "exec", "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "Random"}


def violations(path: str, source: str) -> list[str]:
    """What one file of the product, named by its path from the root, does against the rules."""
    tree = ast.parse(source)
    found = [f"{path}: {problem}" for problem in (*_directions(path, tree), *_places(path, tree))]
    if path.startswith(PURE):
        found += [f"{path}: {problem}" for problem in _impurities(tree)]
    return found


def _directions(path: str, tree: ast.Module) -> Iterator[str]:
    for name, lazy in _imports(tree):
        if name.split(".")[0] in {"actors", "common", "tests"} and not _may_import(path, name, lazy=lazy):
            yield f"may not import {name}"


def _may_import(path: str, name: str, *, lazy: bool) -> bool:
    if path.startswith("common/core/") or path in {"common/messages.py", "common/errors.py"}:
        return name.startswith(("common.core", "common.errors", "common.messages"))
    if name.startswith("common"):
        return True
    if name.startswith("tests") or path.startswith("common/"):
        return False
    actor, other = _actor(path), _actor(name.replace(".", "/"))
    if other == "checkers":
        return actor in {"checkers", "checker", "cli"}
    return actor == other or (actor == "cli" and lazy)  # the command line starts every actor


def _actor(path: str) -> str:
    return path.split("/")[1].removesuffix(".py") if "/" in path else ""


def _places(path: str, tree: ast.Module) -> Iterator[str]:
    used = {name for name, _ in _imports(tree)} | set(_attributes(tree))
    for name in sorted(used):
        for thing, place in ONE_PLACE.items():
            if (name == thing or name.startswith(f"{thing}.")) and not path.startswith(place):
                yield f"{thing} belongs to {place}"


def _impurities(tree: ast.Module) -> Iterator[str]:
    for name, _ in _imports(tree):
        top = name.split(".")[0]
        if name == TYPES_ONLY:
            continue
        if top in IMPURE or name.startswith("urllib.request") or any(name.startswith(part) for part in IMPURE_DNS):
            yield f"a pure core may not import {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func) in IMPURE_CALLS:
            yield f"a pure core may not call {_dotted(node.func)}"


def _imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Every imported name, dotted, and whether the import stands inside a function."""
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in inner
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in inner


def _attributes(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that is used, such as os.environ."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and (name := _dotted(node))
            and name.split(".")[0] in {"os", "msgspec", "datetime", "date"}
        ):
            yield name.removeprefix("datetime.") if name.startswith("datetime.date") else name


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""


def _files() -> list[Path]:
    return sorted(path for top in ("actors", "common") for path in (ROOT / top).rglob("*.py"))


def test_the_tree_keeps_every_rule() -> None:
    """No file of the product imports against the arrows or does another file's work."""
    found = [
        problem
        for path in _files()
        for problem in violations(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]

    assert not found, "\n".join(found)


def room_violations(path: str, source: str) -> list[str]:
    """The imports of one file of the core that go to a room of its own level or above."""
    room = path.split("/")[2]
    allowed = _lower_rooms(room)
    used = {name.split(".")[2] for name, _ in _imports(ast.parse(source)) if name.startswith("common.core.")}
    return [f"{path}: {room} may not import {other}" for other in sorted(used - allowed)]


def _lower_rooms(room: str) -> set[str]:
    """The rooms that a room may import, itself included."""
    if room == FOR_ALL:
        return {room, "model"}
    level = next(number for number, rooms in enumerate(LEVELS) if room in rooms)
    lower = {other for rooms in LEVELS[level + 1 :] for other in rooms}
    return lower | {room} | ({FOR_ALL} if room != "model" else set())


def _module_graph() -> dict[str, set[str]]:
    """Which module of the product imports which, imports inside functions left aside."""
    modules = {_module_of(path): path for path in _files()}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = [name for name, lazy in _imports(ast.parse(path.read_text(encoding="utf-8"))) if not lazy]
        targets = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[module] = (targets & set(modules)) - {module}
    return graph


def _module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle in a graph, its first module again at the end; empty where there is none."""
    done: set[str] = set()
    way: list[str] = []

    def visit(module: str) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        way.append(module)
        for other in sorted(graph.get(module, ())):
            if found := visit(other):
                return found
        done.add(way.pop())
        return []

    return next((found for module in sorted(graph) if (found := visit(module))), [])


def test_rooms_import_downwards() -> None:
    """No file of the core imports a room of its own level or above; `pytest -s` prints the rules."""
    print()
    for rooms in LEVELS:
        print(f"{', '.join(rooms):24} may import {', '.join(sorted(_lower_rooms(rooms[0]) - set(rooms)))}")
    print(f"{FOR_ALL:24} may import model")
    found = [
        problem
        for path in _files()
        if path.is_relative_to(ROOT / "common/core") and path.parent.name != "core"
        for problem in room_violations(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]

    assert not found, "\n".join(found)


def test_every_room_has_its_place_and_a_question() -> None:
    """Each package of the core is in the list, says in its docstring what it is for, and nothing lies outside of the rooms."""
    listed = {room for rooms in LEVELS for room in rooms} | {FOR_ALL}
    rooms = {path.parent.name: path for path in (ROOT / "common/core").glob("*/__init__.py")}
    flat = [path.name for path in (ROOT / "common/core").glob("*.py") if path.name != "__init__.py"]

    assert set(rooms) == listed
    assert len(flat) <= MOST_FLAT, flat
    short = [name for name, path in rooms.items() if len(path.read_text(encoding="utf-8").splitlines()) < 3]
    assert not short, f"no question answered: {short}"


def test_no_modules_import_each_other() -> None:
    """There is no circle of imports among the files of the product."""
    assert _circle(_module_graph()) == []


def test_a_circle_is_found() -> None:
    """The search for circles can fail."""
    assert _circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]


def test_a_file_is_found_by_its_name() -> None:
    """Hardly any name of a file stands twice in the product. The adapter of a registrar has the name of its parser."""
    adapters = ROOT / "actors/checkers/intermediate/registrar"
    names = Counter(path.name for path in _files() if path.name not in SAME_NAMES and path.parent != adapters)
    twice = sorted(name for name, count in names.items() if count > 1)

    assert len(twice) <= MOST_TWICE, twice


@pytest.mark.parametrize(
    ("room", "imported"),
    [
        ("model", "telemetry"),
        ("rate_limits", "checks"),
        ("sweeps", "watchlist"),
        ("telemetry", "domains"),
        ("verdict", "outbox"),
    ],
)
def test_an_arrow_up_is_found(room: str, imported: str) -> None:
    """The direction of rooms can fail, within a level too."""
    source = f"from common.core.{imported} import x"

    assert room_violations(f"common/core/{room}/x.py", source) == [f"common/core/{room}/x.py: {room} may not import {imported}"]


def test_core_uses_few_libraries() -> None:
    """The core can be read and run with few small libraries."""
    allowed = THIRD_PARTY_IN_CORE | set(sys.stdlib_module_names) | {"common"}
    used = {
        name.split(".")[0]
        for path in (ROOT / "common/core").rglob("*.py")
        for name, _ in _imports(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert used <= allowed


def test_no_file_is_long() -> None:
    """A file that has grown past 400 lines holds more than one idea."""
    long = [path.name for path in _files() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE]

    assert not long


@pytest.mark.parametrize(
    ("path", "source", "problem"),
    [
        ("common/core/x.py", "import common.config", "may not import common.config"),
        ("common/core/x.py", "from common import log", "may not import common.log"),
        ("common/core/x.py", "import random", "a pure core may not import random"),
        ("common/core/x.py", "from random import Random\nrng = Random()", "a pure core may not call Random"),
        ("common/core/x.py", "from os import path", "a pure core may not import os.path"),
        ("common/core/x.py", "import dns.resolver", "a pure core may not import dns.resolver"),
        ("common/core/x.py", "text = open('x')", "a pure core may not call open"),
        ("common/core/x.py", "from uuid import uuid4\nx = uuid4()", "a pure core may not call uuid4"),
        ("common/core/x.py", "from datetime import datetime\nx = datetime.now()", "datetime.now belongs to common/clock.py"),
        ("common/messages.py", "import common.codec", "may not import common.codec"),
        ("common/bus/zmq_sockets.py", "import actors.checker", "may not import actors.checker"),
        ("common/store/x.py", "import tests.lab", "may not import tests.lab"),
        ("common/store/x.py", "import time", "time belongs to common/clock.py"),
        ("common/log.py", "import datetime\nx = datetime.datetime.now()", "datetime.now belongs to common/clock.py"),
        ("actors/notifier.py", "import zmq.asyncio", "zmq belongs to common/bus/"),
        ("actors/notifier.py", "from msgspec import msgpack", "msgspec.msgpack belongs to common/codec.py"),
        ("actors/notifier.py", "import msgspec\nx = msgspec.msgpack.encode(1)", "msgspec.msgpack belongs to common/codec.py"),
        ("actors/notifier.py", "import os\nx = os.environ['A']", "os.environ belongs to common/config.py"),
        ("actors/notifier.py", "import socket", "socket belongs to common/clients/"),
        ("actors/notifier.py", "from actors import checker", "may not import actors.checker"),
        ("actors/notifier.py", "import actors.checkers.contract", "may not import actors.checkers.contract"),
        ("actors/control/main.py", "import actors.coordinator.main", "may not import actors.coordinator.main"),
        ("actors/checkers/fast/dns.py", "import actors.checker", "may not import actors.checker"),
        ("actors/cli/tail.py", "import actors.notifier", "may not import actors.notifier"),
    ],
)
def test_an_offence_is_found(path: str, source: str, problem: str) -> None:
    """Each rule can fail."""
    assert f"{path}: {problem}" in violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("common/core/x.py", "import msgspec\nfrom common.core.model.evidence import Reading\nfrom random import Random"),
        ("common/bus/zmq_sockets.py", "import zmq\nfrom common.codec import encode"),
        ("common/clock.py", "import time"),
        ("common/clients/line_client.py", "import socket"),
        ("actors/checker.py", "import actors.checkers.contract"),
        ("actors/control/main.py", "from actors.control import http"),
        ("actors/cli/main.py", "def run():\n    import actors.notifier"),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    """The rules leave honest code alone."""
    assert violations(path, source) == []


@pytest.mark.parametrize(
    ("module", "too_much"),
    [
        ("actors.coordinator.main", {"aiohttp", "psycopg", "requests", "dns"}),
        ("actors.control.main", {"numpy", "psycopg", "requests", "dns"}),
        ("actors.checker", {"numpy", "sqlite3", "aiohttp", "requests"}),
        ("actors.notifier", {"numpy", "sqlite3", "requests", "dns"}),
        ("actors.publications.main", {"psycopg", "requests"}),
        ("actors.feed", {"numpy", "sqlite3", "aiohttp", "requests", "dns"}),
        ("actors.proxy.main", {"numpy", "sqlite3", "aiohttp", "requests", "dns", "zmq"}),
        ("actors.cli.main", {"msgspec", "http", "ssl", "email", "asyncio", "importlib.metadata"}),
        ("actors.cli.health", {"msgspec", "http", "ssl", "email", "asyncio", "importlib.metadata"}),
        ("actors.watchdog", {"numpy", "sqlite3", "aiohttp", "asyncio", "zmq"}),
    ],
)
def test_no_process_loads_what_it_does_not_need(module: str, too_much: set[str]) -> None:
    """Each of these costs every process that loads it megabytes and a tenth of a second of its start."""
    source = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True)

    assert too_much & set(loaded.stdout.split()) == set()
