"""The control process: HTTP interface, metrics, dashboard. Reads the store and the feed; changes go to the coordinator.

`auth.py` decides for every request, before anything is done for it. `/health` and `/ready` answer anything and show no names.
A call without a token has to come from loopback or, with `CONTROL_TRUST_GATEWAY`, from the network's default gateway (where
compose publishes to the host's loopback), and carry a Host out of `CONTROL_ALLOWED_HOSTS`, which DNS rebinding cannot. From
elsewhere `READ_TOKEN` reads and `CONTROL_TOKEN` does everything, as a bearer token or as the password of a browser. What
another site makes a browser do (`Origin`, `Sec-Fetch-Site`) is refused except for opening a page. No header of a proxy is
believed, except for the one of our own, which comes over a unix socket in a directory of the instance: it says before the
first byte of a connection where that comes from, and whether it is this machine (`common/proxy_header.py`).

`http_server.py` bounds connections: what is not read for ten seconds ends, callers from elsewhere get half of the places, and
beyond the last one a connection is still answered when it asks for `/health` or `/ready`.
"""
