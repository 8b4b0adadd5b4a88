"""Credentials never reach a log: canaries are planted and looked for (THREATS of a leaked key)."""

from __future__ import annotations

import io
import logging

import pytest

from codalab_nb.redaction import RedactingFormatter, redact

CANARIES = [
    "https://x.example/blob?sv=1&sig=CANARY%2Babc&se=2",
    "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=CANARYabc=",
    "DefaultEndpointsProtocol=https;AccountKey=CANARY/abc==;EndpointSuffix=x",
    "Authorization: Bearer CANARY.abc",
    "GET /api?token=CANARYabc HTTP/1.1",
]


@pytest.mark.parametrize("text", CANARIES)
def test_the_secret_goes_and_the_rest_stays(text: str) -> None:
    """What is left still tells what happened."""
    cleaned = redact(text)
    assert "CANARY" not in cleaned
    assert cleaned.startswith(text[:8])
    assert "[redacted]" in cleaned


def test_messages_arguments_and_tracebacks_are_covered() -> None:
    """The formatter sees the whole line, exception text included."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(message)s"))
    logger = logging.Logger("x")
    logger.addHandler(handler)
    try:
        raise OSError(CANARIES[0])
    except OSError:
        logger.exception("no answer from %s", CANARIES[2])
    assert "no answer" in stream.getvalue()
    assert "CANARY" not in stream.getvalue()
