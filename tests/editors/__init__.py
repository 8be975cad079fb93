"""The schemas, tried in an editor: `make editors` speaks to the real yaml-language-server.

It needs node and npm, so it is no part of the suite.
"""
