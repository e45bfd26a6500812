"""How a client makes sure that a server is the one of a data directory, before it sends a token.

`bigseg up` gives its API a key and writes the key beside URL and token; the API proves that it
has it. Used by the API, by `bigseg up` and by the commands, so it imports none of them.
"""
