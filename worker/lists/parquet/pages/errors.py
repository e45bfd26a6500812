"""Why a column is left to the library; never seen outside the folder above."""


class UnusualPage(Exception):
    """A page that is not read here, be it damaged, or of a kind that is rare."""
