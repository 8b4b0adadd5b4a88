"""The XML of the administration endpoint: a queue's description inside an Atom entry, there and back."""

from __future__ import annotations

import base64
import re
import secrets
from xml.etree import ElementTree as XML
from xml.sax.saxutils import escape

from tests.support.broker import QueueSettings, Rule

_SERVICE = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
_ATOM = "http://www.w3.org/2005/Atom"
_S = f"{{{_SERVICE}}}"
_FOREVER = "P10675199DT2H48M5.4775807S"


def read(name: str, body: bytes) -> tuple[QueueSettings, list[Rule]]:
    """What a request describes; what it leaves out is as the service has it. Keys that are missing are made."""
    root = XML.fromstring(body)
    description = next((node for node in root.iter() if node.tag.endswith("QueueDescription")), root)
    values = {node.tag.rpartition("}")[2]: node.text or "" for node in description}
    window = _seconds(values.get("DuplicateDetectionHistoryTimeWindow", "PT1M"))
    life = _seconds(values.get("DefaultMessageTimeToLive", _FOREVER))
    settings = QueueSettings(
        name=name,
        lock_s=_seconds(values.get("LockDuration", "PT1M")),
        max_deliveries=int(values.get("MaxDeliveryCount") or 10),
        life_s=life if life < 1e9 else None,
        dead_letter_expired=values.get("DeadLetteringOnMessageExpiration") == "true",
        duplicate_window_s=window if values.get("RequiresDuplicateDetection") == "true" else 0.0,
    )
    return settings, [_rule(node) for node in description.iter() if node.tag.endswith("}AuthorizationRule")]


def _rule(node: XML.Element) -> Rule:
    values = {child.tag.rpartition("}")[2]: child.text or "" for child in node}
    rights = frozenset(child.text or "" for child in node.iter() if child.tag.endswith("AccessRights"))
    return Rule(values["KeyName"], rights, values.get("PrimaryKey") or _key(), values.get("SecondaryKey") or _key())


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def entry(settings: QueueSettings, rules: list[Rule]) -> bytes:
    name = escape(settings.name)
    return (
        f'<entry xmlns="{_ATOM}"><id>https://broker/{name}</id><title type="text">{name}</title>'
        f'<content type="application/xml">{_description(settings, rules)}</content></entry>'
    ).encode()


def feed(entries: list[bytes]) -> bytes:
    inside = b"".join(entries)
    return (
        f'<feed xmlns="{_ATOM}"><title type="text">Queues</title><id>https://broker</id>'.encode() + inside + b"</feed>"
    )


def error(status: int, text: str) -> bytes:
    return f"<Error><Code>{status}</Code><Detail>{escape(text)}</Detail></Error>".encode()


def _description(settings: QueueSettings, rules: list[Rule]) -> str:
    values = {
        "LockDuration": f"PT{settings.lock_s:g}S",
        "RequiresDuplicateDetection": str(bool(settings.duplicate_window_s)).lower(),
        "DefaultMessageTimeToLive": f"PT{settings.life_s:g}S" if settings.life_s else _FOREVER,
        "DeadLetteringOnMessageExpiration": str(settings.dead_letter_expired).lower(),
        "DuplicateDetectionHistoryTimeWindow": f"PT{settings.duplicate_window_s or 60:g}S",
        "MaxDeliveryCount": str(settings.max_deliveries),
    }
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    inside += (
        f"<AuthorizationRules>{''.join(_rule_xml(rule) for rule in rules)}</AuthorizationRules><Status>Active</Status>"
    )
    return (
        f'<QueueDescription xmlns="{_SERVICE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"{inside}</QueueDescription>"
    )


def _rule_xml(rule: Rule) -> str:
    rights = "".join(f"<AccessRights>{right}</AccessRights>" for right in sorted(rule.rights))
    return (
        '<AuthorizationRule i:type="SharedAccessAuthorizationRule"><ClaimType>SharedAccessKey</ClaimType>'
        f"<ClaimValue>None</ClaimValue><Rights>{rights}</Rights><KeyName>{escape(rule.name)}</KeyName>"
        f"<PrimaryKey>{escape(rule.primary)}</PrimaryKey><SecondaryKey>{escape(rule.secondary)}</SecondaryKey>"
        "</AuthorizationRule>"
    )


def _seconds(text: str) -> float:
    """Seconds of an ISO 8601 duration."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text)
    if found is None:
        raise ValueError(f"not a duration: {text!r}")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
