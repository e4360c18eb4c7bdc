"""What was decided and why, and whether it was right.

The ledger keeps verdicts with all that they were decided from (`ledger`), `accuracy` counts how often each server's answers and
the alarms turned out right, `calibration` scores recorded verdicts. The room owns the counts; its door is `audit.Audit`.
"""
