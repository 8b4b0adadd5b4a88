"""Keeps credentials out of logs (THREATS C13)."""

from __future__ import annotations

import logging
import re

_SECRETS = re.compile(
    r"(?i)(\bsig=|\bSharedAccessKey=|\bAccountKey=|\bAuthorization:\s*(?:Bearer|Basic|SharedAccessSignature)?\s*|\btoken=)"
    r"([^\s&;,\"']+)"
)


def redact(text: str) -> str:
    """`text` with the values of signatures, keys, tokens and authorization headers replaced."""
    return _SECRETS.sub(r"\1[redacted]", text)


class RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
