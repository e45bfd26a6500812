"""The inbox: objects that are put below a watched prefix are imported, each once."""

from worker.inbox.looking import look_into_inbox
from worker.inbox.settling import settle_import

__all__ = ["look_into_inbox", "settle_import"]
