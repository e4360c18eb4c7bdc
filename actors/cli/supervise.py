"""`domain-monitor supervise`: checks every setting, prepares STATE_DIR, then becomes supervisord.

A wrong setting is reported here, once and completely, instead of ten times by each process.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from common import config, state
from common.config import Settings
from common.errors import ConfigError

CONFIG_NAME = "supervisord.conf"
PROJECT_ROOT = Path(__file__).resolve().parents[2]


def run(config_file: str | None, env_file: str | None) -> int:
    """Replace this process by supervisord. Where the environment says nothing, `env_file` does. Raises ConfigError."""
    path = find(config_file)
    defaults = config.read_env_file(Path(env_file)) if env_file else {}
    settings = config.load(config.environment({}, defaults))
    os.umask(0o077)
    state.prepare(settings)
    arguments = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(path)]
    os.execve(sys.executable, arguments, environment(settings, defaults))  # noqa: S606  # our own interpreter, no shell
    return 1  # execve does not return; this is for the reader and the type checker


def find(config_file: str | None) -> Path:
    """The file of supervisord: the one named, this folder's, or the project's. Raises ConfigError."""
    candidates = [Path(config_file)] if config_file else [Path(CONFIG_NAME), PROJECT_ROOT / CONFIG_NAME]
    for path in candidates:
        if path.is_file():
            return path.absolute()
    raise ConfigError([f"--config: no file {' or '.join(map(str, candidates))}"])


def environment(settings: Settings, defaults: Mapping[str, str]) -> dict[str, str]:
    """The environment that supervisord.conf refers to: our own with every default filled in, and the command to start."""
    return config.environment(
        {
            "STATE_DIR": str(settings.state_dir),
            "SOCKET_DIR": str(config.socket_directory(settings.state_dir)),
            "FAST_CHECKERS": str(settings.fast_checkers),
            "INTERMEDIATE_CHECKERS": str(settings.intermediate_checkers),
            "DEEP_CHECKERS": str(settings.deep_checkers),
            "NOTIFIERS": str(settings.notifiers),
            "DOMAIN_MONITOR": f"{shlex.quote(sys.executable)} -m actors.cli.main",
        },
        defaults,
    )
