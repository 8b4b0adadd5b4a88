"""What the broker refuses with: an AMQP condition, a sentence, and the status of a management reply."""

from __future__ import annotations

VENDOR = "com.microsoft:"


class Refused(Exception):
    def __init__(self, condition: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.condition = condition
        self.text = text
        self.status = status


def not_found(path: str) -> Refused:
    return Refused("amqp:not-found", f"The messaging entity '{path}' could not be found.", 404)


def unauthorized(claim: str, path: str) -> Refused:
    return Refused(
        "amqp:unauthorized-access",
        f"Unauthorized access. '{claim}' claim(s) are required to perform this operation. Resource: '{path}'.",
        401,
    )


def lock_lost() -> Refused:
    return Refused(
        VENDOR + "message-lock-lost",
        "The lock supplied is invalid. Either the lock expired, or the message has already been removed.",
        410,
    )


def server_busy() -> Refused:
    return Refused(
        VENDOR + "server-busy",
        "The request was terminated because the entity is being throttled. Error code : 50009."
        " Please wait 4 seconds and try again.",
        503,
    )


def internal_error() -> Refused:
    return Refused("amqp:internal-error", "The service was unable to process the request.", 500)
