"""Error tracking with Sentry, only where SENTRY_DSN is set: sentry-sdk is not even imported without it.

Its defaults send local variables, request bodies and texts as they are. Here none of the first two leaves the process and
every text goes through `common.secret_scrubber`. A report names the release, and marks the frames of our own code as such.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from common import version
from common.config import Settings
from common.secret_scrubber import Scrubber


def sentry_options(settings: Settings) -> dict[str, Any]:
    """What `sentry_sdk.init` is called with."""
    scrubber = Scrubber(settings.secrets())

    def clean(item: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
        return {key: scrubber.value(value) for key, value in item.items()}

    return {
        "dsn": settings.sentry_dsn,
        "before_send": clean,
        "before_send_transaction": clean,
        "before_breadcrumb": clean,
        "include_local_variables": False,
        "send_default_pii": False,
        "max_request_body_size": "never",
        "server_name": settings.instance_id,
        "release": f"domain-monitor@{version.current()}",
        # Installed or run by its path, our code lies among the libraries, which Sentry would take it for.
        "in_app_include": ["actors", "common"],
        "project_root": str(Path(__file__).resolve().parents[1]),
        "traces_sample_rate": 0.0,
        "shutdown_timeout": 2,
    }


def start_reporting(settings: Settings, process: str) -> None:
    """Report errors of this process from now on, if SENTRY_DSN is set."""
    if not settings.sentry_dsn:
        return
    sdk = importlib.import_module("sentry_sdk")
    sdk.init(**sentry_options(settings))
    sdk.set_tag("actor", process)
    sdk.set_tag("instance", settings.instance_id)


def report_error(settings: Settings, error: BaseException) -> None:
    """Report one error, if SENTRY_DSN is set."""
    if settings.sentry_dsn:
        importlib.import_module("sentry_sdk").capture_exception(error)
