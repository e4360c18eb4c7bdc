"""How often an operator is queried, and in which order: budgets, queues, and what is left of a daily quota."""
