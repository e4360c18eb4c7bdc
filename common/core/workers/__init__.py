"""Answers: which workers are there, what is each of them working on, and which names kill their workers.

`leases.Workers` is the door: it owns every worker and every lease. `poison.PoisonDetector` owns what is known of names that
were under way when workers died. `second_pass` and `senders` tell workers, their hosts and their keys apart.
"""
