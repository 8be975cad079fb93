"""The whole story on an embedded sandbox: a drill of the product, in under a minute.

The same config, policies, client, ledger and cycle as anywhere else; only the provider is the
sandbox, and the clock stands still on the last day of a month so that every run tells the same.
"""
