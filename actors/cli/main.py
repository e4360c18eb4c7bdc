"""`domain-monitor`: reads the command line and starts what it names. Nothing is imported before its subcommand is known.

Exit codes: 0 done, also where the reader of the output left early; 1 failed, 2 bad usage or settings (all problems on standard
error), 3 (check) some names stayed unknown or (replay, calibration) nothing is recorded, 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from actors.cli import printing
from common import config, setting_parsers, shard_settings, version
from common.config import Settings
from common.errors import ConfigError, DomainMonitorError

POOLS = ("fast", "intermediate", "deep")
#: Checkers step back where processors are short: neither a decision nor a page has to wait for a sweep.
CHECKER_NICE = 5
#: Stands above what `supervise` starts.
_INTERNAL = "run by supervise, each in a process of its own:"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; the result is the exit code."""
    printing.prepare_output()
    try:
        args = build_parser().parse_args(argv)
        if args.run not in _ACTORS:
            signal.signal(signal.SIGTERM, _end)
        code = int(args.run(args))
        sys.stdout.flush()
    except BrokenPipeError:
        return 0
    except ConfigError as error:
        for problem in error.problems:
            print(f"domain-monitor: {problem}", file=sys.stderr)
        return 2
    except DomainMonitorError as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in printing.UNWRITABLE or error.filename is not None:
            raise
        print(f"domain-monitor: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        printing.release_output()
    return code


def _end(number: int, _frame: object) -> None:
    """End a tool at SIGTERM, which a process with the number 1 would otherwise never notice."""
    raise SystemExit(128 + number)


def build_parser() -> argparse.ArgumentParser:
    """The command line: what people use first, then what the supervisor starts."""
    root = argparse.ArgumentParser(
        prog="domain-monitor", description="Watches domain names and says when one can be registered."
    )
    root.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    _add_tools(commands)
    actors = _add_actors(commands)
    root.formatter_class = argparse.RawDescriptionHelpFormatter
    root.epilog = "\n".join((_INTERNAL, *(f"    {name:<13} {text}" for name, text in actors.items())))
    return root


def _add_actors(commands: Any) -> dict[str, str]:
    """Add the processes of the stack; gives what each is, for a list apart from the tools."""
    texts = {
        "coordinator": "the one process that decides and writes",
        "checker": "one process of a pool that asks the outside",
        "notifier": "one process that posts callbacks",
        "publications": "reads lists and zones that registries publish",
        "feed": "the live feed, for subscribers",
        "control": "the HTTP interface and the dashboard",
        "watchdog": "restarts hung processes",
        "proxy": "the published ports, where several instances share a state; supervise does not start it",
    }
    runs = dict(zip(texts, (_coordinator, _checker, _notifier, _publications, _feed, _control, _watchdog, _proxy), strict=True))
    added = {name: _command(commands, name, text, runs[name], listed=False) for name, text in texts.items()}
    added["checker"].add_argument("--pool", choices=POOLS, required=True)
    added["checker"].add_argument(
        "--coordinator",
        action="extend",
        type=_coordinators,
        default=[],
        metavar="tcp://HOST:PORT",
        help="of each instance on another host that may lead; default: COORDINATOR",
    )
    for name in ("checker", "notifier"):
        added[name].add_argument("--number", type=_number, default=0, help="which process of its kind, from 0")
    added["coordinator"].add_argument("--shard", type=_number, default=0, help="which part of the watch list, from 0")
    return texts


def _add_tools(commands: Any) -> None:
    supervise = _command(commands, "supervise", "check the settings, then start the whole stack", _supervise)
    supervise.add_argument("--config", metavar="FILE", help="default: supervisord.conf of this folder or of the project")
    check = _command(commands, "check", "ask about names once, without the stack", _check)
    check.add_argument("names", nargs="*", metavar="NAME", help='"-": names from standard input')
    check.add_argument(
        "--file", metavar="FILE", help='names from a file, one a line or the JSON of the list; "-": standard input'
    )
    check.set_defaults(usage_error=check.error)
    check.add_argument("--json", action="store_true", help="one JSON object a line")
    check.epilog = "Exit code: 0 every name is decided, 3 some are not or cannot be monitored, 2 bad usage or settings."
    methods = "comma separated, for example dns,rdap,whois; registrar: every configured registrar, with prices side by side"
    check.add_argument("--methods", type=_words, default=(), metavar="LIST", help=f"{methods}; registrar:VENDOR: one")
    sources = _command(
        commands, "sources", "list what can be asked: configured or not, what it proves, budget, trust", _sources
    )
    sources.add_argument("--json", action="store_true", help="one JSON object")
    sources.epilog = "Works without a running stack; what a running one knows is shown where its control process answers."
    plan = _command(commands, "plan", "work out what a list costs under these budgets, before anything runs", _plan)
    plan.add_argument(
        "source", nargs="?", default="-", metavar="FILE", help="a list, or com=100000,uk=500; default: standard input"
    )
    plan.add_argument("--limits", metavar="FILE", help="budgets in the form of BUDGETS_FILE; default: BUDGETS_FILE")
    plan.add_argument("--days", type=_days, metavar="N", help="all names drop within N days; default: as many as of com do")
    plan.add_argument("--json", action="store_true", help="one JSON object")
    judge = _command(commands, "judge", "judge recorded answers (JSON lines) without any network", _judge)
    judge.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard input")
    judge.epilog = "Exit code: 0 every line was judged, 1 some are no JSON or have the wrong form, 2 bad usage."
    judge.add_argument("--compare", action="store_true", help="add what python-whois reads of each WHOIS answer")
    judge.add_argument("--fuse", action="store_true", help="group the lines by domain and add the verdict")
    replay = _command(commands, "replay", "show what was decided about a name, and judge its evidence again", _replay)
    replay.add_argument("name", metavar="NAME")
    replay.add_argument("--at", metavar="TIME", help="only up to this time: ISO 8601 or epoch seconds; default: now")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")
    calibration = _command(commands, "calibration", "compare recorded confidence with what became of it", _calibration)
    calibration.add_argument("--since", type=_days, default=90.0, metavar="DAYS", help="only the last DAYS days; default: 90")
    calibration.add_argument("--json", action="store_true", help="one JSON object")
    migrate = _command(commands, "migrate", "copy the state into another database, and check the copy", _migrate)
    place = "sqlite:///PATH or postgresql://..., or @FILE that holds it"
    migrate.add_argument("--from", dest="source", metavar="URL", help=f"{place}; default: STORE_URL")
    migrate.add_argument("--to", dest="target", metavar="URL", required=True, help=f"{place}; has to be empty")
    migrate.add_argument("--shards", type=_shards, metavar="N", help="shards of the watch list there; default: SHARDS")
    spread = "top-level domains, separated by commas, that lie in all of them; default: SHARD_SPREAD"
    migrate.add_argument("--spread", metavar="TLDS", help=spread)
    migrate.epilog = (
        "No instance may run on either. Give a password by @FILE: the list of processes shows a command line to all."
    )
    tail = _command(commands, "tail", "print the live feed", _tail)
    tail.add_argument("--topic", default="", metavar="PREFIX", help="for example available. or result.dns.")
    tail.add_argument("--json", action="store_true", help="one JSON object a line")
    _command(commands, "keys", "make CURVE keys for more hosts and the feed, as lines for .env", _keys)
    health = _command(commands, "health", "ask a running instance whether it is healthy", _health)
    health.add_argument("--processes", action="store_true", help="by heartbeats, without control: where checkers run alone")


def _command(
    commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], *, listed: bool = True
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, description=text, **({"help": text} if listed else {}))
    if run is not _judge:  # which has no settings
        added.add_argument("--env-file", metavar="FILE", help="read instead of .env; the environment wins over both")
    added.set_defaults(run=run)
    return added


def _coordinator(args: argparse.Namespace) -> int:
    name = shard_settings.coordinator_name(args.shard)
    return _actor(args, name, _load("actors.coordinator.main").main, lambda settings: _check_shard(settings, args.shard))


def _checker(args: argparse.Namespace) -> int:
    if args.coordinator:
        config.hand_down("COORDINATOR", ",".join(args.coordinator))
    os.nice(CHECKER_NICE)
    name, run = f"checker-{args.pool}-{args.number}", _load("actors.checker").make_main(args.pool, args.number)
    return _actor(args, name, run, lambda settings: shard_settings.shard_of_number(settings, args.number))


def _notifier(args: argparse.Namespace) -> int:
    run = _load("actors.notifier").make_main(args.number)
    return _actor(args, f"notifier-{args.number}", run, lambda settings: shard_settings.shard_of_number(settings, args.number))


def _publications(args: argparse.Namespace) -> int:
    return _actor(args, "publications", _load("actors.publications.main").main)


def _feed(args: argparse.Namespace) -> int:
    return _actor(args, "feed", _load("actors.feed").main)


def _control(args: argparse.Namespace) -> int:
    return _actor(args, "control", _load("actors.control.main").main)


def _proxy(args: argparse.Namespace) -> int:
    return int(_load("actors.proxy.main").run(_settings(args, "proxy")))


def _watchdog(args: argparse.Namespace) -> int:
    return int(_load("actors.watchdog").run(_settings(args, "watchdog")))


def _supervise(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.supervise").run(args.config, args.env_file))


def _check(args: argparse.Namespace) -> int:
    sources = [args.file] * (args.file is not None) + ["-"] * ("-" in args.names and args.file != "-")
    names = [name for name in args.names if name != "-"]
    if not names and not sources:
        args.usage_error("give names, --file FILE, or - for standard input")
    return int(_load("actors.cli.check").run(names, args.json, args.methods, _settings(args), sources))


def _sources(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.sources").run(args.json, _settings(args)))


def _plan(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.list_plan").run(args.source, args.limits, args.days, args.json, _settings(args)))


def _judge(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.judge").run(args.file, args.fuse, compared=args.compare))


def _replay(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.replay").run(args.name, args.at, args.json, _settings(args)))


def _calibration(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.calibration_report").run(args.since, args.json, _settings(args)))


def _migrate(args: argparse.Namespace) -> int:
    run = _load("actors.cli.migrate").run
    return int(run(args.source, args.target, _settings(args), args.shards, args.spread))


def _tail(args: argparse.Namespace) -> int:
    return int(_load("actors.cli.tail").run(args.topic, args.json, _settings(args)))


def _keys(_args: argparse.Namespace) -> int:
    return int(_load("actors.cli.keys").run())


def _health(args: argparse.Namespace) -> int:
    return int(_load(f"actors.cli.{'process_health' if args.processes else 'health'}").run(_settings(args)))


def _actor(args: argparse.Namespace, process: str, run: Any, shard: Callable[[Settings], int] = lambda _: 0) -> int:
    settings = _settings(args, process.partition("-")[0])
    settings = shard_settings.settings_of_shard(settings, shard(settings))
    return int(_load("common.process").run_actor(process, run, settings))


def _check_shard(settings: Settings, shard: int) -> int:
    if shard >= settings.shards:
        raise ConfigError([f"SHARDS: {settings.shards}, so there is no shard {shard}, the first one is 0"])
    return shard


def _load(module: str) -> Any:
    """The module of a subcommand: `check` must not wait for the import of what only the coordinator needs."""
    return importlib.import_module(module)


def _settings(args: argparse.Namespace, role: str | None = None) -> Settings:
    """The settings, from the environment and the env file; an actor keeps only what its role has a use for."""
    config.adopt(args.env_file)
    if role == "coordinator" and not config.inherited(config.KEY_DIGESTS):  # it was started by hand
        _load("common.key_digests").hand_down_digests(config.load())
    if role is not None:
        config.forget(role)
    return config.load()


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 3:
        raise argparse.ArgumentTypeError("must be a number from 0 to 999")
    return int(text)


def _coordinators(text: str) -> tuple[str, ...]:
    try:
        found = setting_parsers.many(setting_parsers.coordinator)(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not found:
        raise argparse.ArgumentTypeError("must be tcp://HOST:PORT; with docker compose set COORDINATOR in .env")
    return found


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 3650:
        raise argparse.ArgumentTypeError("must be a number of days above 0 and at most 3650")
    return days


def _shards(text: str) -> int:
    try:
        return int(config.TABLE["SHARDS"].parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"domain-monitor {version.current()}")
        parser.exit()


#: Commands that handle SIGTERM themselves, or hand over to a program that does.
_ACTORS = (_coordinator, _checker, _notifier, _publications, _control, _watchdog, _proxy, _supervise)


if __name__ == "__main__":
    sys.exit(main())
