"""Policies replayed on what was recorded: the spend stays, our moves are others. Pure."""
