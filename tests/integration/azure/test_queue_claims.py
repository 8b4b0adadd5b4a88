"""Who may do what on a pool's queues, as the real protocol refuses it; and no credential in what is said about it."""

from __future__ import annotations

import base64
import datetime as dt
import gc
import json
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from codalab_nb.errors import UnavailableError
from codalab_nb.queues.servicebus import ServiceBusQueue
from codalab_nb.queues.servicebus_access import RuleKey, SharedToken
from codalab_nb.queues.servicebus_tokens import make_token, token_expiry
from tests.support.broker import LISTEN, SEND, Broker, Rule
from tests.support.servicebus import SDK_LEAVES_SOCKETS, Bench, open_double

pytestmark = SDK_LEAVES_SOCKETS

TASKS, RESPONSES = "pool-urgent", "pool-responses"
LISTEN_KEY, SEND_KEY = "listen-key-0123456789", "send-key-0123456789"
SITE = "5f6e7d8c-0000-4000-8000-000000000001"  # an Entra object id with both rights


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_double(identities={SITE: [SEND, LISTEN]}) as bench:
        assert bench.broker is not None
        for name in (TASKS, RESPONSES):
            bench.make_queue(name)
        bench.broker.set_rules(TASKS, [Rule("workers", frozenset({LISTEN}), LISTEN_KEY)])
        bench.broker.set_rules(RESPONSES, [Rule("workers", frozenset({SEND}), SEND_KEY)])
        yield bench
    gc.collect()


@pytest.fixture
def broker(bench: Bench) -> Iterator[Broker]:
    assert bench.broker is not None
    yield bench.broker
    bench.broker.clear(TASKS)
    bench.broker.clear(RESPONSES)


def token(bench: Bench, queue: str, key: str, *, life: dt.timedelta = dt.timedelta(days=30)) -> SharedToken:
    """What `pool invite` writes into the file of one worker."""
    return SharedToken(make_token(bench.namespace.host, queue, "workers", key, dt.datetime.now(dt.UTC) + life))


def refused(action: Callable[[], Any]) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        action()
    return caught.value


def test_a_workers_two_tokens_do_two_things(bench: Bench, broker: Broker) -> None:
    """Listen on tasks (with settling), send on responses."""
    site_tasks, site_responses = bench.open(TASKS), bench.open(RESPONSES)
    tasks = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY))
    responses = bench.open(RESPONSES, token(bench, RESPONSES, SEND_KEY))
    site_tasks.send("task:1", b"{}", life_s=600)
    message = tasks.receive(10)
    assert message is not None
    assert tasks.ack(message)
    responses.send("task", b"{}", life_s=600)
    assert site_responses.receive(10) is not None
    for queue in (site_tasks, site_responses, tasks, responses):
        queue.close()


# queue whose token is held, queue it is used on, verb, whether it is allowed
VERBS: dict[str, Callable[[ServiceBusQueue], Any]] = {
    "send": lambda queue: queue.send("a", b"", life_s=60),
    "receive": lambda queue: queue.receive(0.1),
    "look": lambda queue: queue.waiting(),
    "look at dead letters": lambda queue: queue.dead_letters(),
}
ALLOWED = {
    (TASKS, TASKS): {"receive", "look", "look at dead letters"},  # Listen allows peek: a pool is a trust domain
    (RESPONSES, RESPONSES): {"send"},
}


@pytest.mark.parametrize("held", [TASKS, RESPONSES])
@pytest.mark.parametrize("used_on", [TASKS, RESPONSES])
def test_every_other_verb_on_every_other_queue_is_refused(
    bench: Bench, broker: Broker, held: str, used_on: str
) -> None:
    """The whole table of what a worker's credentials can and cannot do, one row for each token and queue."""
    queue = bench.open(used_on, token(bench, held, LISTEN_KEY if held == TASKS else SEND_KEY))
    with ThreadPoolExecutor(len(VERBS)) as at_once:
        outcomes = dict(zip(VERBS, at_once.map(lambda action: outcome(action, queue), VERBS.values()), strict=True))
    allowed = ALLOWED.get((held, used_on), set())
    assert {verb for verb, code in outcomes.items() if code == "done"} == allowed
    assert {code for verb, code in outcomes.items() if verb not in allowed} <= {"queue_forbidden", "queue_credential"}
    queue.close()


def outcome(action: Callable[[ServiceBusQueue], Any], queue: ServiceBusQueue) -> str:
    """`done`, or the code of the error."""
    try:
        action(queue)
    except UnavailableError as error:
        return error.code
    return "done"


def test_an_expired_token_is_told_with_its_date(bench: Bench) -> None:
    """Before anything is connected: the service itself would only say that it did not authenticate."""
    queue = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY, life=-dt.timedelta(days=1)))
    error = refused(lambda: queue.receive(0.1))
    assert error.code == "queue_token_expired"
    assert f"{dt.datetime.now(dt.UTC) - dt.timedelta(days=1):%Y-%m-%d}" in error.message
    assert "invite" in error.fix
    queue.close()


def test_a_token_that_the_service_finds_expired_is_told(bench: Bench, broker: Broker) -> None:
    """This machine's clock is behind: the link that was up is closed, and a new one is refused in words."""
    queue = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY, life=dt.timedelta(hours=1)))
    assert queue.receive(0.1) is None
    try:
        broker.advance(7200)
        error = refused(lambda: queue.receive(1))
    finally:
        broker.advance(-7200)
    assert error.code in {"queue_credential", "queue_forbidden"}
    assert "clock" in error.fix or "expired" in error.fix
    queue.close()


def test_a_tampered_token_opens_nothing(bench: Bench) -> None:
    """Signature, rule, expiry and queue are all signed."""
    good = token(bench, TASKS, LISTEN_KEY).token
    ends = int(token_expiry(good).timestamp())
    changes = [("sig=", "sig=AAAA"), ("skn=workers", "skn=owners"), (f"se={ends}", f"se={ends + 9}")]
    spoiled = [good.replace(old, new) for old, new in [*changes, (TASKS, RESPONSES)]]
    assert good not in spoiled

    def try_with(text: str) -> str:
        queue = bench.open(TASKS, SharedToken(text))
        code = outcome(VERBS["receive"], queue)
        queue.close()
        return code

    with ThreadPoolExecutor(len(spoiled)) as at_once:
        assert set(at_once.map(try_with, spoiled)) == {"queue_credential"}


def test_what_is_no_token_is_told_so(bench: Bench) -> None:
    """A file that was edited or cut off."""
    queue = bench.open(TASKS, SharedToken("hello"))
    error = refused(lambda: queue.receive(0.1))
    assert error.code == "queue_token"
    assert "hello" not in str(error)


def test_changed_keys_shut_out_whoever_joins_with_old_ones(bench: Bench, broker: Broker) -> None:
    """`pool revoke`: links that are up go on (tasks run to their end), new ones are refused; the other key works."""
    working = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY))
    assert working.receive(0.1) is None
    try:
        broker.set_rules(TASKS, [Rule("workers", frozenset({LISTEN}), "another-key", LISTEN_KEY)])
        second = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY))
        assert second.receive(0.1) is None
        broker.set_rules(TASKS, [Rule("workers", frozenset({LISTEN}), "another-key", "and-another")])
        assert working.receive(0.1) is None
        third = bench.open(TASKS, token(bench, TASKS, LISTEN_KEY))
        error = refused(lambda: third.receive(0.1))
        assert error.code == "queue_credential"
        assert "revoke" in error.fix
    finally:
        broker.set_rules(TASKS, [Rule("workers", frozenset({LISTEN}), LISTEN_KEY)])
    for queue in (working, second, third):
        queue.close()


class Entra:
    """A sign-in as the identity library gives it: the token's signature is not checked by the double."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        assert scopes == ("https://servicebus.azure.net//.default",)
        ends = int(dt.datetime.now(dt.UTC).timestamp()) + 3600
        claims = {"aud": "https://servicebus.azure.net", "oid": self._identity, "exp": ends}
        parts = [{"alg": "none"}, claims, {"s": "secret"}]
        return AccessToken(".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts), ends)


def test_a_site_signs_in_with_its_own_identity(bench: Bench, broker: Broker) -> None:
    """Microsoft Entra: no key anywhere; an identity without a role is refused."""
    site = bench.open(TASKS, Entra(SITE))
    site.send("task:1", b"{}", life_s=600)
    assert site.waiting() == ["task:1"]
    stranger = bench.open(TASKS, Entra("somebody-else"))
    assert refused(lambda: stranger.send("task:2", b"{}", life_s=600)).code == "queue_credential"
    site.close()
    stranger.close()


def test_no_credential_is_in_any_text(bench: Bench, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """Not in errors, not in their causes, not in reprs, not in logs (THREATS C13)."""
    wrong = RuleKey("workers", "a-key-that-is-wrong-0123456789")
    old = token(bench, RESPONSES, LISTEN_KEY)
    signature = old.token.split("sig=")[1].split("&")[0]
    secrets = [wrong.key, signature, old.token]
    said = [repr(wrong), repr(old)]
    for credential in (wrong, old):
        queue = bench.open(RESPONSES, credential)
        said.append(repr(queue))
        for action in (VERBS["send"], VERBS["receive"]):
            error = refused(lambda action=action, queue=queue: action(queue))
            said += [str(error), json.dumps(error.as_json()), "".join(traceback.format_exception(error))]
        queue.close()
    said.append(caplog.text)
    assert not [secret for secret in secrets if any(secret in text for text in said)]
