"""What a process of the stack can be, and which of them need a secret. `common.config` names these in its rows."""

from __future__ import annotations

#: Every role. The two readers are processes of the coordinator's.
ROLES = (
    *("coordinator", "list-reader", "bootstrap-reader", "checker", "notifier", "control", "watchdog", "feed", "proxy"),
    "publications",
)

#: They ask the customer's APIs with the token, or start a process that does.
WITH_TOKEN = ("coordinator", "list-reader", "notifier")
#: They need the URL of the list or of the callbacks, which may have a secret in user, path or query.
LISTING = ("coordinator", "list-reader", "control")
POSTING = ("coordinator", "notifier", "control")
#: It signs callbacks.
SIGNING = ("notifier",)
#: It asks registrars with their keys.
CHECKING = ("checker",)
#: They open the store.
STORING = ("coordinator", "list-reader", "control", "publications")
#: They ask registries with an account, or plan what is asked.
ASKING = ("coordinator", "checker")
#: It checks the tokens of callers.
GUARDING = ("control",)
#: They hold a socket of the bus or the feed.
ON_BUS = ("coordinator", "checker", "notifier", "control", "feed", "publications")
#: They report crashes.
REPORTING = ("coordinator", "checker", "notifier", "control", "feed", "publications")
