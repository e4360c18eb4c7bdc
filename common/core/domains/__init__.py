"""Answers: what is known of every watched name, at which stage of its next check is it, and what of it is not durable yet.

It owns the domain table (columns by id), the entries loaded with their evidence, the journal of what is not written yet, and
the stage of each name: `stages` alone moves names from one to another. The door is `domains.Domains`.
"""
