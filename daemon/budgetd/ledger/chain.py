"""The chain of hashes over the events: what was written before cannot be changed unseen.

Pure. It may not know tables.
"""

from hashlib import sha256


def link(before: str, at: str, intent_id: str, kind: str, data: str) -> str:
    """The hash that chains an event to the one before: all that the event says is in it."""
    return sha256("\n".join((before, at, intent_id, kind, data)).encode()).hexdigest()
