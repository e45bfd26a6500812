"""What API processes count, for Prometheus: sums over all processes of one port.

``metrics`` counts, in the rows of a ``tally`` that other processes can read; ``exposition`` adds
them up and writes the text; ``pauses`` counts the interpreter's own pauses.
"""
