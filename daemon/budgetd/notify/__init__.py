"""Tells people: a webhook, e-mail and chats, by event and severity, without holding up a cycle.

It may not decide what is an alert, and a message that fails never fails anything else.
"""
