"""The control process: HTTP interface, metrics, dashboard. Reads the store and the feed; changes go to the coordinator."""
