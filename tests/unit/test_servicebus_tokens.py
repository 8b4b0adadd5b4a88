"""Tokens for one queue: the text that Service Bus expects, byte for byte, and the expiry read back."""

from __future__ import annotations

import datetime as dt

import pytest

from codalab_nb.queues.servicebus_tokens import make_token, token_expiry

pytest.importorskip("azure.servicebus", reason="pip install 'codalab-nb[azure]'")

EXPIRES = dt.datetime(2026, 12, 22, 10, 30, tzinfo=dt.UTC)


def test_a_token_is_what_the_sdk_itself_makes() -> None:
    """Compared with the SDK's own function for address, signature and expiry."""
    from azure.servicebus._pyamqp.utils import generate_sas_token

    made = make_token("lab.servicebus.windows.net", "pool-urgent", "workers", "a/key+with=signs", EXPIRES)
    address = "sb://lab.servicebus.windows.net/pool-urgent"
    sdk = generate_sas_token(address, "workers", "a/key+with=signs", int(EXPIRES.timestamp()))

    def parts(token: str) -> dict[str, str]:
        return dict(part.split("=", 1) for part in token.removeprefix("SharedAccessSignature ").split("&"))

    assert parts(made) == parts(sdk)


def test_the_address_is_in_lower_case() -> None:
    """The service compares without case, but signs what it is given: one spelling for all."""
    upper = make_token("LAB.servicebus.windows.net", "Pool-Urgent", "r", "k", EXPIRES)
    assert upper == make_token("lab.servicebus.windows.net", "pool-urgent", "r", "k", EXPIRES)


def test_the_expiry_is_read_back() -> None:
    """`doctor` and every connection look at it before the service does."""
    assert token_expiry(make_token("n", "q", "r", "k", EXPIRES)) == EXPIRES


@pytest.mark.parametrize("text", ["", "hello", "SharedAccessSignature sr=a&sig=b", "sr=a&sig=b&se=1&skn=c"])
def test_what_is_no_token_is_refused(text: str) -> None:
    """A cut-off invite is told as such, not as a failed sign-in."""
    with pytest.raises(ValueError, match="SharedAccessSignature"):
        token_expiry(text)
