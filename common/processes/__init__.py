"""Is a process hung, and when may one that ended start again? Decided from heartbeats, kernel figures and earlier runs.

It owns the time that each process spent since its last heartbeat; records of starts are passed in and returned. It must not
know what the processes do, nor how they are stopped and started.
"""
