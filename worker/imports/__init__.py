"""Imports: plan, scatter, gather, publish; see ``worker/README.md`` for how a list flows."""
