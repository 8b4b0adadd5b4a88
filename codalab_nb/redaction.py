"""Keeps credentials out of logs (THREATS C13)."""

from __future__ import annotations

import logging
import re

# As queries, connection strings, headers, JSON, `repr` and percent-encoded links (of links) spell them. The name of
# the secret stays, so that one still sees what it was.
_EQUALS = r"""\\?["']?\s*(?:=|:|%(?:25)*3D|\\+u003d)\s*(?:b(?=["']))?\\?["']?"""
_VALUE = r"""(?:(?!%(?:25)*26|\\+u0026)[^\s&;,"'\\])+"""
_NAMED = re.compile(
    rf"(?i)((?:(?<![a-z0-9_])|%(?:25)*26|\\u0026)(?:sig|signature|token)|shared_?access_?key|account_?key)({_EQUALS}){_VALUE}"
)
_SCHEME = r"(?:bearer|basic|sharedkey|sharedaccesssignature)\s+"
_HEADER = re.compile(rf"(?i)(authorization{_EQUALS}(?:{_SCHEME})?|\bbearer\s+(?=[^\s]*[.0-9])){_VALUE}")


def redact(text: str) -> str:
    """`text` with the values of signatures, keys, tokens and authorization headers replaced."""
    return _NAMED.sub(r"\1\2[redacted]", _HEADER.sub(r"\1[redacted]", text))


class RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
