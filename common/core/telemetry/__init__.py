"""Counters, timers, open problems, and what gets into the log.

Every room may count and log here; nothing here decides about names. The room owns the counters (`metrics`), the open problems
(`problems`), what came back from outside (`reach`) and the runs of repeated log lines (`log_summary`). Its door is
`telemetry.Telemetry`; `prometheus` renders the counters of any process.
"""
