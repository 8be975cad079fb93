"""The daemon: it keeps time and drives cycles, from start to stop.

It may not decide what moves: `cycle` does, and this room says when.
"""
