"""What turns answers into a verdict, rule by rule: the gates of an alarm, and how much is believed."""
