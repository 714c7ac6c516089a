"""Alerts: where a project's changes are told, and what became of each message.

It knows projects only, not what happens in them: who has something to tell calls `notifications.outbox.tell` in the
transaction of the change. A task sends it afterwards (`notifications.delivering`).
"""
