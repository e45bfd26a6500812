"""How a client makes sure that a server is that of a data directory before it sends a token.

`bigseg up` gives its API a key and writes the key beside URL and token; the API proves that it
has it. The API, `bigseg up` and the commands use it, so it imports none of them.
"""
