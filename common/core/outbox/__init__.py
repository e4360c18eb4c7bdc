"""What is told, in which words, until it arrived.

Verdicts and answers become events, callbacks and maps on the feed (`announcer`, `callback_bodies`, `feed_publisher`). The room
owns the callbacks that are pending (`deliveries`), with a circuit breaker for each lane. Its doors are `announcer.Announcer`,
`deliveries.Deliveries` and `callback_dispatch.CallbackDispatch`, which hands callbacks to notifiers.
"""
