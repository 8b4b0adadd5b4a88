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
    "SharedAccessSignature sr=sb%3a%2f%2fx&sig=CANARY%3D&se=1&skn=worker",
    "Endpoint=sb://x/;SharedAccessSignature=SharedAccessSignature sr=x&sig=CANARY&skn=worker;EntityPath=q",
    "https://x.example/?next=https%3A%2F%2Fy%2Fblob%3Fsv%3D1%26sig%3DCANARY%252Babc%26se%3D2",
    "https://x.example/?next=https%253A%252F%252Fy%253Fsv%253D1%2526sig%253DCANARY%2526se%253D2",
    '{"link": "https://x.example/blob?sv=1\\u0026sig\\u003dCANARY"}',
    '{"account_key": "CANARY/abc==", "name": "x"}',
    '{"SharedAccessKey":"CANARY"}',
    "AzurePool(name='x', account_key='CANARY')",
    "{'Authorization': 'SharedKey account:CANARY='}",
    "Authorization: SharedKey account:CANARY=",
    "{'x-ms-copy-source-authorization': 'Bearer CANARY.abc'}",
    "the header Bearer CANARY.abc was refused",
    "Signature=CANARY",
]


@pytest.mark.parametrize(
    "text",
    ["the signature of the task: see below", "tokens: 3 of 4", "a design=3 and a config: x", "queue_token_expired"],
)
def test_plain_words_stay(text: str) -> None:
    """A log that hides everything tells nothing."""
    assert redact(text) == text


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
