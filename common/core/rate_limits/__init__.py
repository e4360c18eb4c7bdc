"""Answers: may this operator be queried now, and what follows when it limits us.

It owns the budgets of all operators (`budgets`, one `bucket` for each egress) and the queries that wait for their tokens
(`query_queue`). `policy` alone decides which answers are complaints. The door is `rate_limits.RateLimits`.
"""
