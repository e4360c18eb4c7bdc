"""May this operator be asked now, and what did its complaint teach? One policy decides what a complaint is.

`policy` reads answers, for single questions and for sweeps; `bucket` is what is known of one operator from one egress.
"""
