"""The room of checks: what is queried next about one name, and what comes of it.

Owns the names admitted to single checks (`admission`) and the pace of drop windows (`window_pace`). Its doors: `CheckStarts`
begins checks, `QueryDispatch` sends their queries, `QueryAnswers` takes what comes back, and `Conclusions` is the one
place where a verdict is taken.
"""
