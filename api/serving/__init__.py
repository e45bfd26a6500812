"""Serves the API on one port: with this process alone, or with several under a supervisor.

``bigseg api`` becomes ``python -m api.serving``; one of several processes is
``python -m api.serving.process``. All of them accept from one listening socket, which the
supervisor holds: while one process lives, and while none does but one is being started, the port
takes connections.
"""
