"""Which server a command talks to, with which token, and how it knows the server."""
