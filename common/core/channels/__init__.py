"""Answers: which channel of a suffix speaks, which is silent, and since when.

A channel is one method at one server for one suffix. Health is learned from every answer, those to canaries included. The door is
`channels.Channels`.
"""
