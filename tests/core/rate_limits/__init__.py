"""How often an operator is asked, and in which order: budgets, lines, and what a day has left."""
