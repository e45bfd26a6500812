"""Serves the API on one port: with this process alone, or with several under a supervisor.

``bigseg api`` becomes ``python -m api.serving``; one of several processes is
``python -m api.serving.process``. Each has a listening socket of its own on that port, and the
system spreads connections over those that listen: as long as one process lives, the port takes
connections.
"""
