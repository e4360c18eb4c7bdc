"""Many names of one suffix in one run of UDP queries: `sweep_engine` is the way in, `sweep_run` the loop of one sweep."""
