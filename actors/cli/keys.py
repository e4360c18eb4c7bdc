"""`domain-monitor keys`: fresh CURVE keys, as lines for the `.env` of each host."""

from __future__ import annotations

from common.bus import generate_keys


def run() -> int:
    """Print one set of keys; always 0."""
    print("\n".join(render_keys()))
    return 0


def render_keys() -> list[str]:
    """Settings of the coordinator's host; those of the others are comments, so that all of it can be added to a `.env`.

    Keys stand in single quotes: Z85 has marks that shells and compose would take for theirs.
    """
    coordinator, worker, subscriber = generate_keys(), generate_keys(), generate_keys()
    return [
        "# CURVE keys. This host runs the coordinator; more workers and subscribers: more keys, separated by commas.",
        "# With them BUS_ENDPOINT=tcp://0.0.0.0:5550 and FEED_ENDPOINT=tcp://0.0.0.0:5560 let in known keys only.",
        f"BUS_SECRET_KEY='{coordinator.secret}'",
        f"BUS_CLIENT_KEYS='{worker.public}'",
        f"FEED_CLIENT_KEYS='{subscriber.public}'",
        "# A host with checkers alone (docs/remote-checkers.md). Move these lines there, without the leading mark:",
        "#COORDINATOR=tcp://HOST:5550",
        "#EGRESS_ID=",
        f"#BUS_SECRET_KEY='{worker.secret}'",
        f"#BUS_SERVER_KEY='{coordinator.public}'",
        "# A subscriber of the feed that may not touch the bus: the same with these; its own public key is",
        f"# {subscriber.public}",
        "#FEED_ENDPOINT=tcp://COORDINATOR:5560",
        f"#BUS_SECRET_KEY='{subscriber.secret}'",
        f"#BUS_SERVER_KEY='{coordinator.public}'",
    ]
