"""`domain-monitor supervise`: checks everything that can be checked, then starts supervisord and stays above it.

A wrong setting, an address in use or an INSTANCE_ID that runs already is reported here, once and in one sentence each,
instead of ten times by each process.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO, cast

from actors.cli import supervisord_guard
from actors.cli.shared_stdout import LogTranslator, SharedOutput, read_lines_in_thread
from actors.cli.welcome import ReadyMessage
from common import (
    config,
    heartbeat,
    instance_lock,
    key_digests,
    log,
    operator_files,
    process_tree,
    roles,
    shard_settings,
    start_record,
    state_dir,
)
from common.clients import free_ports
from common.clock import monotonic, pause
from common.config import Settings
from common.errors import ConfigError
from common.socket_paths import PORTS, socket_directory

CONFIG_NAME = "supervisord.conf"
#: Where it lies in a checkout, and where an installed wheel puts it, for all users or for one.
PLACES = (
    Path(__file__).resolve().parents[2],
    *(
        Path(sysconfig.get_path("data", scheme), "share", "domain-monitor")
        for scheme in (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    ),
)
#: Seconds that an earlier run, which is just ending, may still hold its addresses, and its lock: to look whether one is held,
#: another instance takes it for a moment.
ENDING_LIMIT, LOCK_LIMIT = 10.0, 1.0
#: Seconds for the last lines of the log.
LAST_LINES = 2.0


def run(config_file: str | None, env_file: str | None) -> int:
    """Start everything and stay until it has ended. Where the environment is silent, `env_file` or `.env` counts.

    Raises ConfigError.
    """
    path = find_config(config_file)
    unknown = config.adopt(env_file)
    settings = config.load()
    if settings.coordinator:
        raise ConfigError(["COORDINATOR: is for `domain-monitor checker` on another host; a whole stack has its own: unset it"])
    operator_files.check_files(settings)
    if unknown:
        log.setup(settings, "supervise", sys.stderr)
        log.get_logger("supervise").warning("unknown_settings", names=unknown, effect="none: they are no settings of ours")
    os.umask(0o077)
    held = lock_instance(settings)
    try:
        remove_old_layout(settings)
        await_free_ports(settings)
        clear_heartbeats(settings)
        key_digests.hand_down_digests(settings)
        code = _start_and_guard(settings, path, build_environment(settings))
        if code == 0:
            forget_processes(settings)
        return code
    finally:
        os.close(held)


def find_config(config_file: str | None) -> Path:
    """The file of supervisord: the one named, this folder's, or the product's. Raises ConfigError."""
    places = [Path(config_file)] if config_file else [Path(CONFIG_NAME), *(place / CONFIG_NAME for place in PLACES)]
    for path in places:
        if path.is_file():
            return path.absolute()
    raise ConfigError([f"--config: no file {' or '.join(map(str, places))}"])


def build_environment(settings: Settings) -> dict[str, str]:
    """The environment that supervisord.conf refers to: our own with every default filled in, and the command to start."""
    counts = shard_settings.count_processes(settings)
    return config.environment(
        {
            "STATE_DIR": str(settings.state_dir),
            "SOCKET_DIR": str(socket_directory(settings.instance_dir)),
            "FAST_CHECKERS": str(counts["checker-fast"]),
            "INTERMEDIATE_CHECKERS": str(counts["checker-intermediate"]),
            "DEEP_CHECKERS": str(counts["checker-deep"]),
            "NOTIFIERS": str(counts["notifier"]),
            "MORE_SHARDS": str(settings.shards - 1),
            "LOG_FORMAT": choose_log_format(settings, sys.stdout),
            "DOMAIN_MONITOR": f"{shlex.quote(sys.executable)} -m actors.cli.main",
            "SUPERVISE_PID": str(os.getpid()),
            "SUPERVISE_STACK": secrets.token_hex(8),
            **{f"FOR_{role.upper()}": withheld_secrets(role) for role in roles.ROLES if "-" not in role},
            config.ENV_FILE: "",
        }
    )


def withheld_secrets(role: str) -> str:
    """What an `environment=` line of supervisord.conf says to keep from a process what it has no use for; no values in it."""
    return ",".join(f'{name}="{value}"' for name, value in config.restrictions(role).items())


def choose_log_format(settings: Settings, stream: TextIO) -> str:
    """What every process writes: LOG_FORMAT, else text where our own output is a terminal, else json."""
    return settings.log_format or ("text" if stream.isatty() else "json")


def lock_instance(settings: Settings) -> int:
    """Make the directories and take the instance for this run; returns a descriptor to close. Raises ConfigError."""
    held = _take_lock_soon(settings, settings.instance_dir)
    if held is None:
        name, owner = settings.instance_id, instance_lock.read_owner(settings.instance_dir)
        raise ConfigError(
            [f"INSTANCE_ID: {name} is in use in {settings.state_dir} by {owner}; set INSTANCE_ID to another name or stop it"]
        )
    instance_lock.write_owner(held)
    return held


def remove_old_layout(settings: Settings) -> None:
    """Delete what earlier versions, with one instance to a state, kept directly in STATE_DIR. Raises ConfigError."""
    sockets = socket_directory(settings.state_dir)
    if not instance_lock.has_lock(sockets):
        return
    held = _take_lock_soon(settings, sockets)
    if held is None:
        owner = "an earlier version, which does not share it"
        raise ConfigError([f"STATE_DIR: {settings.state_dir} is in use by {owner}; set STATE_DIR or stop it"])
    for folder in (heartbeat.heartbeat_directory(settings.state_dir), start_record.record_directory(settings.state_dir)):
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("supervisor.sock", "supervisord.pid"):
        with contextlib.suppress(OSError):
            (sockets / name).unlink()
    instance_lock.remove_lock(sockets)
    os.close(held)


def await_free_ports(settings: Settings) -> None:
    """Return once nothing is in use that the processes will need; wait only for an earlier run. Raises ConfigError."""
    until = monotonic() + ENDING_LIMIT
    while problems := list(ports_in_use(settings)):
        if monotonic() >= until or not any(map(_is_alive, heartbeat.read_heartbeats(settings.instance_dir).values())):
            raise ConfigError(problems)
        pause(0.2)


def ports_in_use(settings: Settings) -> Iterator[str]:
    """One sentence for each address that something else holds."""
    addresses = [("CONTROL_PORT", settings.control_host, settings.control_port)]
    for name, endpoint, ports in (
        ("FEED_ENDPOINT", settings.feed_endpoint, 1),
        ("BUS_ENDPOINT", settings.bus_endpoint, PORTS * settings.shards),
    ):
        scheme, _, rest = endpoint.partition("://")
        host, _, number = rest.rpartition(":")
        if scheme == "tcp" and number.isdecimal():
            addresses += [(name, host.strip("[]"), int(number) + more) for more in range(ports)]
    for name, host, port in addresses:
        if trouble := free_ports.why_not_listenable(host, port):
            shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            yield f"{name}: {shown} {trouble}; set {name} or stop it"


def clear_heartbeats(settings: Settings) -> None:
    """Forget the processes of earlier runs that this one will not start: a smaller pool has no silent members."""
    counts = {**shard_settings.count_processes(settings), "coordinator": settings.shards}
    own = settings.instance_dir
    for directory in (heartbeat.heartbeat_directory(own), start_record.record_directory(own)):
        for path in directory.glob("*.json"):
            pool, _, number = path.stem.rpartition("-")
            if number.isdecimal() and int(number) >= counts.get(pool, 0):
                path.unlink(missing_ok=True)


def forget_processes(settings: Settings) -> None:
    """Leave no heartbeat after a stop that was asked for, nor a record of those that did not end in order: no death counts."""
    own = settings.instance_dir
    for path in heartbeat.heartbeat_directory(own).glob("*.json"):
        for left in (path, start_record.record_directory(own) / path.name):
            with contextlib.suppress(OSError):
                left.unlink()


def _start_and_guard(settings: Settings, conf: Path, environ: Mapping[str, str]) -> int:
    process_tree.adopt_orphans()
    text = environ["LOG_FORMAT"] == "text"
    outlet = SharedOutput(sys.stdout.fileno())
    log.setup(settings, "supervise", cast("TextIO", outlet), text=text)
    logger = log.get_logger("supervise")
    translator = LogTranslator(outlet, logger, text=text)
    welcome = ReadyMessage(settings, outlet, logger, text=text)

    def each_look() -> None:
        welcome.look()
        if lost := outlet.take_lost_count():
            logger.warning("log_lines_lost", lines=lost)

    signals = supervisord_guard.SignalPipe()
    reading, writing = os.pipe()
    arguments = ["-m", "actors.cli.supervisord", "--nodaemon", "--configuration", str(conf)]
    supervisord = supervisord_guard.start_supervisord(arguments, environ, writing)
    os.close(writing)
    pipe = read_lines_in_thread(reading, translator.take)
    code = supervisord_guard.SupervisordGuard(supervisord, settings.instance_dir, logger, each_look).run(signals)
    pipe.join(LAST_LINES)
    outlet.drain(LAST_LINES)
    return code


def _take_lock_soon(settings: Settings, directory: Path) -> int | None:
    """A lock that is free within a moment; None where it is not. Raises ConfigError."""
    until = monotonic() + LOCK_LIMIT
    while True:
        state_dir.create_directories(settings)  # another instance may just clear away what has ended long ago
        held = instance_lock.take_lock(directory)
        if held is not None or monotonic() >= until:
            return held
        pause(0.1)


def _is_alive(beat: heartbeat.Heartbeat) -> bool:
    try:
        os.kill(beat.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
