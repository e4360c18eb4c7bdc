"""`domain-monitor supervise`: checks every setting, prepares STATE_DIR, then becomes supervisord.

A wrong setting is reported here, once and completely, instead of ten times by each process.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from common import config, log, operator_files, roles, state
from common.config import Settings
from common.errors import ConfigError
from common.socket_paths import socket_directory

CONFIG_NAME = "supervisord.conf"
PROJECT_ROOT = Path(__file__).resolve().parents[2]


def run(config_file: str | None, env_file: str | None) -> int:
    """Replace this process by supervisord. Where the environment is silent, `env_file` or `.env` counts. Raises ConfigError."""
    path = find(config_file)
    unknown = config.adopt(env_file)
    settings = config.load()
    operator_files.check(settings)
    if unknown:
        log.setup(settings, "supervise", sys.stderr)
        log.get_logger("supervise").warning("unknown_settings", names=unknown, effect="none: they are no settings of ours")
    os.umask(0o077)
    state.prepare(settings)
    arguments = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(path)]
    os.execve(sys.executable, arguments, environment(settings))  # noqa: S606  # our own interpreter, no shell
    return 1  # execve does not return; this is for the reader and the type checker


def find(config_file: str | None) -> Path:
    """The file of supervisord: the one named, this folder's, or the project's. Raises ConfigError."""
    candidates = [Path(config_file)] if config_file else [Path(CONFIG_NAME), PROJECT_ROOT / CONFIG_NAME]
    for path in candidates:
        if path.is_file():
            return path.absolute()
    raise ConfigError([f"--config: no file {' or '.join(map(str, candidates))}"])


def environment(settings: Settings) -> dict[str, str]:
    """The environment that supervisord.conf refers to: our own with every default filled in, and the command to start."""
    return config.environment(
        {
            "STATE_DIR": str(settings.state_dir),
            "SOCKET_DIR": str(socket_directory(settings.state_dir)),
            "FAST_CHECKERS": str(settings.fast_checkers),
            "INTERMEDIATE_CHECKERS": str(settings.intermediate_checkers),
            "DEEP_CHECKERS": str(settings.deep_checkers),
            "NOTIFIERS": str(settings.notifiers),
            "DOMAIN_MONITOR": f"{shlex.quote(sys.executable)} -m actors.cli.main",
            **{f"FOR_{role.upper()}": restricted(role) for role in roles.ROLES if "-" not in role},
            config.ENV_FILE: "",
        }
    )


def restricted(role: str) -> str:
    """What an `environment=` line of supervisord.conf says to keep from a process what it has no use for; no values in it."""
    return ",".join(f'{name}="{value}"' for name, value in config.restrictions(role).items())
