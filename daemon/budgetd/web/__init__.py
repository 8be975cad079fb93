"""The status page, the health of the daemon and its metrics: read only, for people and machines.

It may not change anything, and it may not speak to the provider.
"""
