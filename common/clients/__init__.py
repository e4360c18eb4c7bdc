"""Clients of the outside world: bounded in bytes, seconds and hops. They report, they never decide."""
