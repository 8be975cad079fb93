"""The campaign that plants secrets everywhere and looks for them in everything that comes out.

It owns the planting, the ways things go wrong, and the search. It may not know how the product
keeps a secret to itself: only what comes out counts.
"""
