"""`domain-monitor`: reads the command line and starts what it names. Nothing is imported before its subcommand is known.

Exit codes: 0 done, 1 failed, 2 bad usage or settings (all problems on standard error), 3 (check) some names stayed unknown or
(replay, calibration) nothing is recorded.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from common import config
from common.config import Settings
from common.errors import ConfigError, DomainMonitorError
from common.process import Main, run_actor

POOLS = ("fast", "intermediate", "deep")
#: Checkers step back where processors are short: neither a decision nor a page has to wait for a sweep.
CHECKER_NICE = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; the result is the exit code."""
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except ConfigError as error:
        for problem in error.problems:
            print(f"domain-monitor: {problem}", file=sys.stderr)
        return 2
    except DomainMonitorError as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="domain-monitor", description="Watches domain names and says when one can be registered."
    )
    root.add_argument("--version", action="version", version=_version())
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_actors(commands)
    _add_tools(commands)
    return root


def _add_actors(commands: Any) -> None:
    _command(commands, "coordinator", "the one process that decides and writes", _coordinator)
    checker = _command(commands, "checker", "one process of a pool that asks the outside", _checker)
    checker.add_argument("--pool", choices=POOLS, required=True)
    checker.add_argument("--number", type=_number, default=0, help="which process of the pool, from 0")
    notifier = _command(commands, "notifier", "one process that posts callbacks", _notifier)
    notifier.add_argument("--number", type=_number, default=0, help="which notifier, from 0")
    _command(commands, "feed", "the live feed, for subscribers", _feed)
    _command(commands, "control", "the HTTP interface and the dashboard", _control)
    _command(commands, "watchdog", "restarts hung processes; started by supervisord", _watchdog)
    supervise = _command(commands, "supervise", "check the settings, then start all of the above", _supervise)
    supervise.add_argument("--config", metavar="FILE", help="default: supervisord.conf of this folder or of the project")
    supervise.add_argument("--env-file", metavar="FILE", help="NAME=value lines that count where the environment says nothing")


def _add_tools(commands: Any) -> None:
    check = _command(commands, "check", "ask about names once, without the stack", _check)
    check.add_argument("names", nargs="+", metavar="NAME")
    check.add_argument("--json", action="store_true", help="one JSON object a line")
    check.epilog = "Exit code: 0 every name is decided, 3 some are not or cannot be monitored, 2 bad usage or settings."
    check.add_argument("--methods", type=_words, default=(), metavar="LIST", help="comma separated, for example dns,rdap,whois")
    judge = _command(commands, "judge", "judge recorded answers (JSON lines) without any network", _judge)
    judge.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard input")
    judge.add_argument("--fuse", action="store_true", help="group the lines by domain and add the verdict")
    replay = _command(commands, "replay", "show what was decided about a name, and judge its evidence again", _replay)
    replay.add_argument("name", metavar="NAME")
    replay.add_argument("--at", metavar="TIME", help="only up to this time: ISO 8601 or epoch seconds; default: now")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")
    calibration = _command(commands, "calibration", "compare recorded confidence with what became of it", _calibration)
    calibration.add_argument("--since", type=_days, default=90.0, metavar="DAYS", help="only the last DAYS days; default: 90")
    calibration.add_argument("--json", action="store_true", help="one JSON object")
    tail = _command(commands, "tail", "print the live feed", _tail)
    tail.add_argument("--topic", default="", metavar="PREFIX", help="for example available. or result.dns.")
    tail.add_argument("--json", action="store_true", help="one JSON object a line")
    _command(commands, "keys", "make CURVE keys for more hosts and the feed, as lines for .env", _keys)
    _command(commands, "health", "ask a running instance whether it is healthy", _health)


def _command(commands: Any, name: str, help_text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    added.set_defaults(run=run)
    return added


def _coordinator(_args: argparse.Namespace) -> int:
    return _actor("coordinator", _load("actors.coordinator.main").main)


def _checker(args: argparse.Namespace) -> int:
    os.nice(CHECKER_NICE)
    return _actor(f"checker-{args.pool}-{args.number}", _load("actors.checker").make_main(args.pool, args.number))


def _notifier(args: argparse.Namespace) -> int:
    return _actor(f"notifier-{args.number}", _load("actors.notifier").make_main(args.number))


def _feed(_args: argparse.Namespace) -> int:
    return _actor("feed", _load("actors.feed").main)


def _control(_args: argparse.Namespace) -> int:
    return _actor("control", _load("actors.control.main").main)


def _watchdog(_args: argparse.Namespace) -> int:
    return int(_load("actors.watchdog").run(_settings()))


def _supervise(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.supervise").run(args.config, args.env_file))


def _check(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.check").run(args.names, args.json, args.methods, _settings()))


def _judge(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.judge").run(args.file, args.fuse))


def _replay(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.replay").run(args.name, args.at, args.json, _settings()))


def _calibration(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.calibration").run(args.since, args.json, _settings()))


def _tail(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.tail").run(args.topic, args.json, _settings()))


def _keys(_args: argparse.Namespace) -> int:
    return int(_load("actors.cli.keys").run())


def _health(_args: argparse.Namespace) -> int:
    return int(_load("actors.cli.health").run(_settings()))


def _actor(process: str, run: Main) -> int:
    return run_actor(process, run, _settings())


def _load(module: str) -> Any:
    """The module of a subcommand: `check` must not wait for the import of what only the coordinator needs."""
    return importlib.import_module(module)


def _settings() -> Settings:
    return config.load()


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 3:
        raise argparse.ArgumentTypeError("must be a number from 0 to 999")
    return int(text)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 3650:
        raise argparse.ArgumentTypeError("must be a number of days above 0 and at most 3650")
    return days


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _version() -> str:
    try:
        return f"domain-monitor {version('domain-monitor')}"
    except PackageNotFoundError:
        return "domain-monitor (not installed)"


if __name__ == "__main__":
    sys.exit(main())
