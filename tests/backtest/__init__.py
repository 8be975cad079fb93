"""Replays against a daemon that looks at every reading."""
