"""The proxy: the published addresses of several instances that share a state directory; it passes connections on byte for byte.

`upstreams.py` knows from the files of the instances which of them live and which ones lead; `relay.py` is one connection and
the one to its instance; `frontend.py` is one address with its connections. Nothing of what is passed on is read. A connection
goes to the instance that leads, or that leads the first shard of a divided watch list, else to any other live one, else it
waits up to three seconds for one. An instance can die without a word; in a paused container it takes connections and never
answers. Where heartbeats stop, its connections are closed, and clients connect again.

It writes nothing into the state directory, which may be mounted read-only: connecting to a unix socket needs no more.
"""
