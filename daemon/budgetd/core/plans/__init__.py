"""Wishes become ordered transfers within what may be spent."""
