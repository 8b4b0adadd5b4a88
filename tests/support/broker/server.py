"""The broker as a running thing: one thread with proton's event loop, and the calls that tests make from outside.

with Broker(rules=[Rule("site", frozenset({SEND, LISTEN}), "key")]) as broker:
    broker.make_queue(QueueSettings("tasks"))
    ServiceBusClient(broker.address, credential, use_tls=False)
    broker.advance(61)          # every lock has ended
    broker.set_faults(busy=2)   # the next two requests are refused
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from proton import symbol
from proton.reactor import Container, Handler

from tests.support.broker.claims import Rule
from tests.support.broker.clock import Clock
from tests.support.broker.errors import Refused
from tests.support.broker.links import Links
from tests.support.broker.namespace import Namespace
from tests.support.broker.state import QueueSettings, Stored

_T = TypeVar("_T")
_TICK_S = 0.02
_NAME = "broker-double"


class Broker(Handler):
    """`port` 0: any free one. `identities`: rights of Entra object ids."""

    def __init__(
        self, *, port: int = 0, rules: Iterable[Rule] = (), identities: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        super().__init__()
        self.port = port
        self._clock = Clock()
        self._namespace = Namespace(self._clock)
        self._namespace.claims.namespace = {rule.name: rule for rule in rules}
        self._namespace.claims.identities = identities or {}
        self._links = Links(self._namespace)
        self._connections: set[Any] = set()
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self._ready = threading.Event()
        self._container = Container(self)
        self._container.container_id = _NAME
        self._thread = threading.Thread(target=self._container.run, name=_NAME, daemon=True)

    # --- life

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Broker:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the broker did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop)
        self._thread.join(10)

    def _stop(self) -> None:
        self._acceptor.close()
        self._cut()
        self._container.stop()

    def _call(self, action: Callable[[], _T]) -> _T:
        """Runs `action` on the broker's thread and gives what it gave."""
        done, box, failed = threading.Event(), [], []

        def run() -> None:
            try:
                box.append(action())
            except Exception as error:  # noqa: BLE001 (handed to the caller)
                failed.append(error)
            done.set()

        self._calls.put(run)
        if not done.wait(20):
            raise TimeoutError("the broker's thread does not answer")
        if failed:
            raise failed[0]
        return box[0]

    # --- what tests and the admin endpoint do

    def make_queue(self, settings: QueueSettings, rules: Iterable[Rule] = ()) -> None:
        self._call(lambda: self._namespace.make(settings, list(rules)))

    def delete_queue(self, name: str) -> None:
        """Whoever listens is detached."""
        self._call(lambda: self._namespace.delete(name))

    def set_rules(self, name: str, rules: Iterable[Rule]) -> None:
        """New rules or keys of a queue. Links that are up stay up until their token's end, as with the service."""
        replaced = {rule.name: rule for rule in rules}
        self._call(lambda: self._namespace.claims.entities.update({name.lower(): replaced}))

    def rules(self, name: str) -> list[Rule]:
        return self._call(lambda: list(self._namespace.claims.entities.get(name.lower(), {}).values()))

    def check_token(self, audience: str, token: str) -> frozenset[str]:
        """The rights that `token` gives for `audience`. Raises BadToken."""
        return self._call(lambda: self._namespace.claims.check(audience, token, self._clock.now()).rights)

    def queues(self) -> list[QueueSettings]:
        return self._call(lambda: [one.settings for one in self._namespace.queues.values()])

    def change_queue(self, name: str, change: Callable[[QueueSettings], None]) -> None:
        self._call(lambda: change(self._namespace.find(name.lower()).settings))

    def clear(self, name: str) -> None:
        """Forgets its messages, living and dead."""
        self._call(lambda: self._namespace.find(name.lower()).clear())

    def messages(self, name: str) -> list[Stored]:
        """What lies in a queue (`name/$deadletterqueue`: its dead letters), in order. To look at, not to change."""
        return self._call(lambda: list(self._namespace.find(name.lower()).messages()))

    def operations(self, name: str | None = None) -> Counter[str]:
        """How many operations of each kind so far: of one queue with its dead letters, or of all."""

        def count() -> Counter[str]:
            if name is None:
                total = Counter(self._namespace.operations)
                chosen = self._namespace.all_queues()
            else:
                total, found = Counter(), self._namespace.find(name.lower())
                chosen = [found] if found.dead is None else [found, found.dead]
            for one in chosen:
                total.update(one.operations)
            return total

        return self._call(count)

    def advance(self, seconds: float) -> None:
        """Moves the broker's clock; what ends by that has ended when this returns."""
        self._clock.advance(seconds)
        self._call(self._tick)

    def set_faults(self, **values: float) -> None:
        self._call(lambda: self._namespace.faults.change(values))

    def cut(self) -> int:
        """Cuts every TCP connection without a word; how many there were."""
        return self._call(self._cut)

    def detach_all(self, text: str = "The link is force detached: the service moved.") -> int:
        """Detaches every link to a queue; how many there were."""

        def detach() -> int:
            links = [link for link, state in self._links.known.items() if state.queue is not None]
            for link in links:
                self._links.detach(link, Refused("amqp:link:detach-forced", text))
            return len(links)

        return self._call(detach)

    def silence(self) -> int:
        """Receivers of now get nothing more although all looks well; new ones do. How many fell silent."""

        def silence() -> int:
            states = [state for link, state in self._links.known.items() if state.queue and link.is_sender]
            for state in states:
                state.silent = True
            return len(states)

        return self._call(silence)

    def receivers(self, name: str) -> int:
        """How many links receive from a queue now."""
        return self._call(lambda: len(self._namespace.find(name.lower()).links))

    # --- the event loop

    def on_reactor_init(self, event: Any) -> None:
        self._acceptor = self._container.listen(f"127.0.0.1:{self.port}")
        listening = socket.socket(fileno=os.dup(self._acceptor._selectable.fileno()))
        with listening:
            self.port = listening.getsockname()[1]
        self._container.schedule(_TICK_S, self)
        self._ready.set()

    def on_timer_task(self, event: Any) -> None:
        while not self._calls.empty():
            self._calls.get_nowait()()
        self._tick()
        self._container.schedule(_TICK_S, self)

    def _tick(self) -> None:
        for one in self._namespace.queues.values():
            one.tick()
        self._links.look_after()
        for one in self._namespace.all_queues():
            self._links.dispatch(one)

    def _cut(self) -> int:
        cut = list(self._connections)
        for connection in cut:
            if connection.transport:
                connection.transport.close_tail()
                connection.transport.close_head()
        return len(cut)

    def on_unhandled(self, method: str, *args: Any) -> None:
        """Most events need no answer."""

    def on_connection_bound(self, event: Any) -> None:
        event.transport.idle_timeout = 240

    def on_connection_remote_open(self, event: Any) -> None:
        connection = event.connection
        self._connections.add(connection)
        self._namespace.operations["connect"] += 1
        connection.container = _NAME
        connection.properties = {symbol("product"): _NAME}
        connection.open()

    def on_connection_remote_close(self, event: Any) -> None:
        event.connection.close()
        self._forget(event.connection)

    def on_transport_closed(self, event: Any) -> None:
        if event.connection:
            self._forget(event.connection)

    def _forget(self, connection: Any) -> None:
        self._connections.discard(connection)
        self._namespace.forget(connection)
        for link in [link for link in self._links.known if link.session.connection == connection]:
            self._links.drop(link)

    def on_session_remote_open(self, event: Any) -> None:
        event.session.open()

    def on_session_remote_close(self, event: Any) -> None:
        event.session.close()

    def on_link_remote_open(self, event: Any) -> None:
        self._links.attach(event.link)

    def on_link_remote_close(self, event: Any) -> None:
        self._links.drop(event.link)
        event.link.close()

    on_link_remote_detach = on_link_remote_close

    def on_link_flow(self, event: Any) -> None:
        link = event.link
        state = self._links.known.get(link)
        if link.is_sender and state is not None and state.queue is not None:
            self._namespace.operations["flow"] += 1
            self._links.dispatch(state.queue)
            if link.drain_mode:
                link.drained()

    def on_delivery(self, event: Any) -> None:
        delivery, link = event.delivery, event.link
        if link.is_receiver:
            if delivery.readable and not delivery.partial:
                self._links.incoming(link, delivery)
        elif delivery.updated:
            self._links.outcome(link, delivery)
