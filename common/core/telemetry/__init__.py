"""What does the service report about itself? Counters, gauges, timers, current problems, and which channels answer at all.

It owns the metrics of a process, the log of its problems and the runs of failures. It must not know what a problem means for a
verdict: `common.core.coordinator.self_check` finds the problems, the control process merges and shows them.
"""
