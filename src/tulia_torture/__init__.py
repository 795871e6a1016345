"""The torture instrument: a whole installation at work, killed and lied to by a plan, and then audited by its provider.

It stands apart from the product: it starts `tulia` and the simulator as processes, acts over HTTP as users do, kills
and misleads, and compares what the provider wrote down with what the ledger says. `tulia bench torture` runs it; what
it promises and how to read its table is in docs/torture.md.
"""
