"""What tests of checkers share: a context on loopback, and one check from start to end."""

from __future__ import annotations

import asyncio
import time

from actors.checkers.contract import Context
from common.config import load
from common.messages import Task

LAB = {"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}
NOW = 1_750_000_000.0


def context(environ=None):
    """A context with these settings, a standing wall clock and a real monotonic one."""
    return Context(load(LAB if environ is None else environ), lambda: NOW, time.monotonic)


def task(method, domain="example.com", **more):
    """A task about a name."""
    return Task(attempt="b.1", seq=1, method=method, domain=domain, suffix=domain.partition(".")[2], **more)


def once(checker, asked):
    """The observation of one check; the checker is closed."""

    async def main():
        try:
            return await checker.check(asked)
        finally:
            await checker.close()

    return asyncio.run(main())
