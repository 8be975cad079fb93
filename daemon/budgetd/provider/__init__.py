"""SPEAKS: everything the product says to the provider and hears from it.

`client` is the one door; `operations` is the table of what can be called, `moves` the exact
bodies of moves, `replies` the judgement of answers, `errors` what can go wrong. It may not
decide, keep, or move anything on its own.
"""
