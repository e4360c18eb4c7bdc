"""`domain-monitor keys`: lines that go into `.env` files as they are."""

from __future__ import annotations

import re
from pathlib import Path

import zmq

from actors.cli.keys import render_keys
from common import config, dotenv


def test_its_lines_are_settings_of_the_coordinators_host(tmp_path: Path) -> None:
    """Added to a `.env`, they are read, and every public key is the other half of a secret that is shown."""
    env, printed = tmp_path / ".env", render_keys()
    env.write_text("CHECK_INTERVAL=600\n" + "\n".join(printed) + "\n", encoding="utf-8")
    settings = config.load({**dotenv.read_dotenv(env, {}), "STATE_DIR": str(tmp_path), "BUS_ENDPOINT": "tcp://0.0.0.0:5550"})
    secrets = re.findall(r"^#?BUS_SECRET_KEY='(.{40})'$", "\n".join(printed), re.MULTILINE)
    server, worker, subscriber = (zmq.curve_public(secret.encode()).decode() for secret in secrets)

    assert settings.bus_secret_key == secrets[0]
    assert (settings.bus_client_keys, settings.feed_client_keys) == ((worker,), (subscriber,))
    assert "#COORDINATOR=tcp://HOST:5550" in printed
    assert printed.count(f"#BUS_SERVER_KEY='{server}'") == 2


def test_keys_are_fresh() -> None:
    """No two calls print the same key."""
    first, second = ({line for line in render_keys() if "_KEY" in line} for _ in range(2))
    assert not first & second
