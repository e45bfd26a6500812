"""The headers of a delivery, as receivers' libraries verify them.

Source: the specification of Standard Webhooks, 1.0.0: symmetric signatures.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from worker.store.webhooks import Delivery, SigningSecret


def signed_headers(
    delivery: Delivery, secrets: Sequence[SigningSecret], now_ms: int
) -> dict[str, str]:
    """The headers that tell a delivery from a forged or an old one.

    ``webhook-signature`` has one signature for each secret that has not ended, so that a receiver
    can go over from one to the next.
    """
    seconds = str(now_ms // 1_000)
    signatures = [
        _sign(secret.key, f"{delivery.id}.{seconds}.{delivery.body}")
        for secret in secrets
        if secret.ends_ms is None or now_ms < secret.ends_ms
    ]
    return {
        "webhook-id": delivery.id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signatures),
    }


def _sign(key: bytes, content: str) -> str:
    digest = hmac.new(key, content.encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
