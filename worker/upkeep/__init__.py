"""Upkeep: what keeps the store right when nobody asks for anything."""
