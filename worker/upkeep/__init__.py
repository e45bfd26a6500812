"""Upkeep: repairs and clean-up that no request starts."""
