"""Whole systems; a package of its own, so that they end with its last test.

An idle one of this speed takes a tenth of a core, which the tests after it would miss.
"""
