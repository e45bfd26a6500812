"""The one account, a team to Vercel's clients, that every project belongs to."""

from typing import Final

ACCOUNT_ID: Final = "team_bigseg"
ACCOUNT_SLUG: Final = "bigseg"
