"""Which process of the running stack holds which secret, read from the kernel."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import zmq

from common import process_tree
from tests.lab import net
from tests.lab.stack import Stack

PUBLIC, SECRET = (key.decode() for key in zmq.curve_keypair())
SECRETS = {
    "API_AUTH_TOKEN": "token-aaaa",
    "CALLBACK_SECRET": "whsec_" + base64.b64encode(bytes(range(24))).decode(),
    "CONTROL_TOKEN": "token-bbbb",
    "SENTRY_DSN": "http://key-cccc@127.0.0.1:9/1",
    "BUS_SECRET_KEY": SECRET,
    "API_CALLBACK_URL": "http://127.0.0.1:9/T000/B000/xyz-dddd",
}
NEEDED = {
    "coordinator": {"API_AUTH_TOKEN", "SENTRY_DSN", "BUS_SECRET_KEY", "API_CALLBACK_URL"},
    "checker": {"SENTRY_DSN", "BUS_SECRET_KEY"},
    "notifier": {"API_AUTH_TOKEN", "CALLBACK_SECRET", "SENTRY_DSN", "BUS_SECRET_KEY", "API_CALLBACK_URL"},
    "control": {"CONTROL_TOKEN", "SENTRY_DSN", "BUS_SECRET_KEY", "API_CALLBACK_URL"},
    "feed": {"SENTRY_DSN", "BUS_SECRET_KEY"},
    "publications": {"SENTRY_DSN", "BUS_SECRET_KEY"},
    "watchdog": set(),
}


def held(supervise: int) -> dict[str, set[str]]:
    """The secrets in the environment of each child of supervisord, by its command; a value counts, whatever its name."""
    found: dict[str, set[str]] = {}
    supervisors = process_tree.child_pids(supervise)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().decode().split("\0")
            content = (folder / "environ").read_bytes().decode()
        except (OSError, ValueError):  # gone meanwhile
            continue
        if parent in supervisors and "actors.cli.main" in command:
            actor = command[command.index("actors.cli.main") + 1]
            found[actor] = {name for name, value in SECRETS.items() if value in content}
    return found


def test_each_process_holds_only_the_secrets_it_needs(tmp_path: Path) -> None:
    """The memory of a checker, which talks to foreign servers, gives an attacker no key to the customer's APIs."""

    async def story() -> dict[str, set[str]]:
        (tmp_path / "domains.txt").write_text("", encoding="utf-8")
        more = {"DOMAIN_LIST_FILE": str(tmp_path / "domains.txt"), "BUS_CLIENT_KEYS": PUBLIC, "DNS_ROOT_SERVERS": net.HOST}
        stack, ended = Stack({**SECRETS, **more}, tmp_path), asyncio.Event()
        await stack.start(ended)
        try:
            async with asyncio.timeout(60):
                assert stack._child is not None
                while not set(NEEDED) <= set(found := held(stack._child.pid)):
                    assert not ended.is_set(), "\n".join(stack.log_tail())
                    await asyncio.sleep(0.1)
        finally:
            await stack.stop()
        return found

    found = asyncio.run(story())
    assert {actor: found[actor] for actor in NEEDED} == NEEDED
