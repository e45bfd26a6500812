"""Deliveries to webhooks: signed, sent to checked addresses, tried again for a day."""

from worker.webhooks.delivering import Deliverer

__all__ = ["Deliverer"]
