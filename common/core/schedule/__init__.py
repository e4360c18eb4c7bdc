"""Answers: when is a name checked next.

`cadence` computes the time from what is known of a name, for one name or for arrays of them. `due_times.Schedule` holds one
time for each name and finds those that are due; a domain table owns it, and `domains.stages` alone writes to it.
"""
