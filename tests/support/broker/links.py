"""The links of the broker: attaching with the right claim, delivering under a lock, taking outcomes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from proton import Delivery, Endpoint, symbol

from tests.support.broker import management, wire
from tests.support.broker.claims import LISTEN, SEND, BadToken, path_of
from tests.support.broker.errors import VENDOR, Refused, internal_error, not_found, server_busy, unauthorized
from tests.support.broker.namespace import Namespace
from tests.support.broker.state import DEAD, BrokerQueue

CBS = "$cbs"
MANAGEMENT = "/$management"
_CREDIT = 100  # what a client may send before it hears from us again


@dataclass
class LinkState:
    """What we know of one link. `silent`: it stays up and gets nothing any more."""

    path: str
    active_at: float
    queue: BrokerQueue | None = None
    tokens: dict[Any, uuid.UUID] = field(default_factory=dict)
    silent: bool = False


class Links:
    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._replies: dict[tuple[Any, str], Any] = {}  # (session, address) → the link that carries replies
        self.known: dict[Any, LinkState] = {}

    # --- attach and detach

    def attach(self, link: Any) -> None:
        link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
        address = (link.remote_target if link.is_receiver else link.remote_source).address or ""
        state = LinkState(path_of(address), self._namespace.clock.now())
        self.known[link] = state
        if state.path != CBS and not state.path.endswith(MANAGEMENT):
            try:
                state.queue = self._admit(link, state.path)
            except Refused as refused:
                wire.refuse_link(link, refused)
                return
            link.max_message_size = wire.MAX_MESSAGE_BYTES
            if link.is_sender:
                state.queue.links.append(link)
        elif link.is_sender:
            self._replies[(link.session, state.path)] = link
        wire.mirror(link)
        link.open()
        if link.is_receiver:
            link.flow(_CREDIT)

    def _admit(self, link: Any, path: str) -> BrokerQueue:
        if self._namespace.faults.take("busy_attach"):
            raise server_busy()
        right = SEND if link.is_receiver else LISTEN
        if not self._allowed(link, path, right):
            raise unauthorized(right, path)
        if link.is_receiver and path.endswith(DEAD):
            raise Refused("amqp:not-allowed", "Messages cannot be sent to a dead-letter queue.")
        queue = self._namespace.find(path)
        queue.operations["attach-sender" if link.is_receiver else "attach-receiver"] += 1
        return queue

    def _allowed(self, link: Any, path: str, right: str) -> bool:
        return self._namespace.is_allowed(link.session.connection, path, right)

    def drop(self, link: Any) -> None:
        """The link is gone, whoever ended it."""
        state = self.known.pop(link, None)
        if state is None:
            return
        if state.queue is not None:
            state.queue.drop_link(link, with_locks=self._namespace.faults.drop_locks_with_link)
        self._replies = {key: reply for key, reply in self._replies.items() if reply != link}

    def detach(self, link: Any, refused: Refused) -> None:
        if link.state & Endpoint.LOCAL_ACTIVE:
            wire.close_with(link, refused)
        self.drop(link)

    def look_after(self) -> None:
        """Detaches links that idled too long, whose token has expired, or whose queue was deleted."""
        now, limit = self._namespace.clock.now(), self._namespace.faults.idle_detach_s
        for link, state in list(self.known.items()):
            if state.queue is None:
                continue
            right = SEND if link.is_receiver else LISTEN
            if not self._namespace.has(state.queue):
                self.detach(link, not_found(state.path))
            elif not self._allowed(link, state.path, right):
                self.detach(link, Refused("amqp:unauthorized-access", "ExpiredToken: The token is expired.", 401))
            elif now - state.active_at >= limit:
                text = f"The link is force detached. IdleTimerExpired: Idle timeout: {limit:.0f} s."
                self.detach(link, Refused("amqp:link:detach-forced", text))

    # --- delivering

    def dispatch(self, queue: BrokerQueue) -> None:
        """Gives what waits to whoever has credit, in turns."""
        for link in list(queue.links):
            state = self.known.get(link)
            if state is None or not link.state & Endpoint.LOCAL_ACTIVE:
                queue.links.remove(link)
                continue
            while link.credit > 0 and not state.silent and self._deliver(link, state, queue):
                pass
        if queue.links:
            queue.links.append(queue.links.pop(0))

    def _deliver(self, link: Any, state: LinkState, queue: BrokerQueue) -> bool:
        message = queue.take(link)
        if message is None or message.token is None:
            return False
        state.active_at = self._namespace.clock.now()
        queue.operations["receive"] += 1
        delivery = link.delivery(message.token.bytes_le)
        link.stream(wire.encode(message))
        link.advance()
        state.tokens[delivery] = message.token
        if self._namespace.faults.take("duplicate"):
            queue.put_copy(message)
        return True

    def outcome(self, link: Any, delivery: Any) -> None:
        """A receiver settles: the answer is the same outcome, or `rejected` with the reason."""
        state = self.known.get(link)
        token = state.tokens.pop(delivery, None) if state else None
        if state is None or state.queue is None or token is None:
            delivery.settle()
            return
        state.active_at = self._namespace.clock.now()
        try:
            if self._namespace.faults.take("refuse_settle"):
                raise internal_error()
            self._settle(state.queue, token, delivery)
            delivery.update(delivery.remote_state)
        except Refused as refused:
            if delivery.remote_state != Delivery.RELEASED:
                delivery.local.condition = wire.condition(refused)
                delivery.update(Delivery.REJECTED)
        delivery.settle()
        self.dispatch(state.queue)

    def _settle(self, queue: BrokerQueue, token: uuid.UUID, delivery: Any) -> None:
        message, how = queue.held(token), delivery.remote_state
        if how == Delivery.ACCEPTED:
            queue.operations["complete"] += 1
            queue.complete(message)
        elif how == Delivery.RELEASED:
            queue.operations["release"] += 1
            queue.release(message)
        elif how == Delivery.MODIFIED and not delivery.remote.undeliverable:
            queue.operations["abandon"] += 1
            delivery.local.failed, delivery.local.undeliverable = delivery.remote.failed, False
            queue.abandon(message)
        elif how == Delivery.REJECTED:
            queue.operations["dead-letter"] += 1
            condition = delivery.remote.condition
            info = {str(name): text for name, text in ((condition.info if condition else None) or {}).items()}
            queue.bury(message, info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription"))
        else:
            raise Refused("amqp:not-implemented", "Messages cannot be deferred here.", 501)

    # --- taking in

    def incoming(self, link: Any, delivery: Any) -> None:
        state = self.known.get(link)
        raw = link.recv(delivery.pending)
        link.advance()
        if state is None or not link.state & Endpoint.LOCAL_ACTIVE:  # the SDK sends before it is given credit
            return
        if link.credit < _CREDIT // 2:
            link.flow(_CREDIT)
        if state.path == CBS:
            self._put_token(link, state, wire.decode(raw))
        elif state.path.endswith(MANAGEMENT):
            self._manage(link, state, wire.decode(raw))
        elif state.queue is not None:
            self._store(link, state, state.queue, delivery, raw)
            return
        delivery.update(Delivery.ACCEPTED)
        delivery.settle()

    def _store(self, link: Any, state: LinkState, queue: BrokerQueue, delivery: Any, raw: bytes) -> None:
        state.active_at = self._namespace.clock.now()
        try:
            if self._namespace.faults.take("busy"):
                raise server_busy()
            if not self._allowed(link, state.path, SEND):
                raise unauthorized(SEND, state.path)
            if len(raw) > wire.MAX_MESSAGE_BYTES:
                text = f"The received message (size:{len(raw)}) exceeds the limit ({wire.MAX_MESSAGE_BYTES})."
                raise Refused("amqp:link:message-size-exceeded", text)
            for content in wire.unpack(raw):
                queue.operations["send"] += 1
                queue.put(content, due=wire.due(content))
        except Refused as refused:
            delivery.local.condition = wire.condition(refused)
            delivery.update(Delivery.REJECTED)
            delivery.settle()
            return
        if not self._namespace.faults.take("swallow_sends"):
            delivery.update(Delivery.ACCEPTED)
            delivery.settle()
        self.dispatch(queue)

    def _put_token(self, link: Any, state: LinkState, request: Any) -> None:
        self._namespace.operations["put-token"] += 1
        audience = str((request.properties or {}).get("name"))
        try:
            self._namespace.grant(link.session.connection, audience, str(request.body))
            code, text = 202, "Accepted"
        except BadToken as bad:
            code, text = bad.status, str(bad)
        self._reply(link, state.path, request, {"status-code": code, "status-description": text}, None)

    def _manage(self, link: Any, state: LinkState, request: Any) -> None:
        operation = str((request.properties or {}).get("operation")).removeprefix(VENDOR)
        path = state.path.removesuffix(MANAGEMENT)
        try:
            right, counted = management.OPERATIONS.get(operation, (LISTEN, operation))
            if not self._allowed(link, path, right):
                raise unauthorized(right, path)
            if self._namespace.faults.take("busy"):
                raise server_busy()
            queue = self._namespace.find(path)
            queue.operations[counted] += 1
            if operation == "update-disposition" and self._namespace.faults.take("refuse_settle"):
                raise internal_error()
            status, body = management.answer(queue, operation, request.body or {})
            properties: dict[str, Any] = {"statusCode": status, "statusDescription": "OK"}
            self.dispatch(queue)
        except Refused as refused:
            properties = {"statusCode": refused.status, "statusDescription": refused.text}
            properties["errorCondition"], body = symbol(refused.condition), None
        if not self._namespace.faults.take("swallow_management"):
            self._reply(link, state.path, request, properties, body)

    def _reply(self, link: Any, path: str, request: Any, properties: dict[str, Any], body: Any) -> None:
        out = self._replies.get((link.session, path))
        if out is None:
            return
        message = wire.Message(body=body, inferred=False, properties=properties)
        message.correlation_id = request.id
        delivery = out.delivery(uuid.uuid4().bytes)
        out.stream(message.encode())
        out.advance()
        delivery.settle()
