"""Measures of budgetd, each a ratio to a bound or to a peer taken in the same run.

They measure the product as it is used: over a socket, against the provider's sandbox in a
process of its own. They may not reach into the product, nor judge anything but time and memory.
"""
