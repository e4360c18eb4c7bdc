"""Several instances in real containers behind the proxy, against the lab: what is lost when one is killed, paused, stopped."""
