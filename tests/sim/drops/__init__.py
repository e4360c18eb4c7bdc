"""When names drop, and how soon that is told: the product against two plain loops at the same registries and budgets."""
