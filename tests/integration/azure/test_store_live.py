"""Live output over blobs: it comes at once while somebody watches, and along with the heartbeats while nobody does."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.model.base import new_id
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.site.events import EventReader, last_event, newest_segment
from codalab_worker.events import EventLog
from tests.support.azure_store import Lab
from tests.support.azurite import Account
from tests.support.fault_proxy import Busy, FaultProxy, LostReply


@pytest.fixture
def lab(proxy: FaultProxy, account: Account, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(dataclasses.replace(account, url=proxy.url), tmp_path, patience_s=0.8)
    yield lab
    lab.close()


def printed(text: str) -> dict[str, Any]:
    return {"type": "output", "cell": 0, "output": {"output_type": "stream", "name": "stdout", "text": text}}


def a_log(lab: Lab, task: str) -> EventLog:
    log = EventLog(lab.attempt(task), task, 1)
    log.set_limit(10_000_000)
    log.begin({"worker": "w", "sandbox": "none"})
    return log


def appends(proxy: FaultProxy) -> int:
    return sum("comp=appendblock" in line.path and line.status == 201 for line in proxy.journal)


def asked(proxy: FaultProxy) -> int:
    """How often the worker asked whether somebody watches."""
    return sum(line.method == "HEAD" and "/watched?" in line.path for line in proxy.journal)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_nobody_watches(lab: Lab, proxy: FaultProxy) -> None:
    """All that was printed between two heartbeats is one append; for hours of silence nobody asks for watchers."""
    task = new_id()
    log = a_log(lab, task)
    for i in range(50):
        log.relay([printed(f"{i}\n")])
    until(lambda: asked(proxy) == 1)
    log.relay([printed("more\n")])
    assert appends(proxy) == 0
    log.write(EventType.HEARTBEAT)
    assert appends(proxy) == 1
    before = asked(proxy)
    log.write(EventType.HEARTBEAT)
    assert (appends(proxy), asked(proxy)) == (2, before)
    log.close()
    events = EventReader(lab.site(), task, 1).new()
    assert [event["seq"] for event in events] == list(range(1, 55))
    assert [event["type"] for event in (events[0], events[-2], events[-1])] == ["started", "heartbeat", "heartbeat"]


def test_somebody_watches(lab: Lab, proxy: FaultProxy) -> None:
    """A print is there without a heartbeat, in order; a flood costs about an append a second, however many lines."""
    task = new_id()
    lab.link(task)  # submitted
    reader = EventReader(lab.site(), task, 1)
    with lab.site().changes(task) as changes:
        log = a_log(lab, task)
        seen: list[dict[str, Any]] = []
        for text in ("one\n", "two\n"):
            log.relay([printed(text)])
            until(lambda: changes.wait(1.0) and bool(seen.extend(reader.new()) or seen[-1]["type"] == "output"))
            assert seen[-1]["body"]["output"]["text"] == text
        begun, before = time.monotonic(), appends(proxy)
        for i in range(150):
            log.relay([printed(f"line {i}\n")])
            time.sleep(0.02)
        spent = time.monotonic() - begun
        log.flush()
        assert appends(proxy) - before <= spent / 0.8 + 3
    log.close()
    seen += reader.new()
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["body"]["output"]["text"] == "line 149\n"


def test_the_store_fails_meanwhile(lab: Lab, proxy: FaultProxy) -> None:
    """Lines wait for the store to come back; none is lost, none is doubled, the run is not held up."""
    task = new_id()
    lab.site().create(TaskNames(task).document, b"{}")
    lab.site().mark_watched(task)
    log = a_log(lab, task)
    for fault in (Busy(), LostReply()):
        proxy.fault(fault, part="comp=appendblock")
        tries = len(proxy.journal)
        log.relay([printed("one\n")])
        until(lambda tries=tries: sum("comp=appendblock" in line.path for line in proxy.journal[tries:]) > 2)
        log.relay([printed("two\n")])
        proxy.heal()
        log.write(EventType.HEARTBEAT)
    log.close()
    events = EventReader(lab.site(), task, 1).new()
    assert [event["seq"] for event in events] == list(range(1, 8))


def test_events_go_on_in_the_next_segment(lab: Lab) -> None:
    """Before a blob takes no more appends the next one begins; readers follow, and the last word is found there."""
    task = new_id()
    attempt = lab.attempt(task)
    attempt.append_limit = 3
    log = EventLog(attempt, task, 1)
    site = lab.site()
    reader = EventReader(site, task, 1)
    seen = []
    for _ in range(4):
        log.write(EventType.HEARTBEAT)
        seen += reader.new()
    for _ in range(4):
        log.write(EventType.HEARTBEAT)
    log.write(EventType.RELEASED, {"reason": "no_disk", "message": "full"})
    seen += reader.new()
    log.close()
    assert [event["seq"] for event in seen] == list(range(1, 10))
    newest = newest_segment(site, task, 1)
    assert newest is not None
    assert newest[0] == 2
    event = last_event(site, task, 1, newest)
    assert event is not None
    assert event["type"] == "released"


def test_a_watcher_follows_attempts_and_segments(lab: Lab) -> None:
    """Whoever watches from the first attempt on is woken by the second one, and by the verdict."""
    task = new_id()
    names = TaskNames(task)
    first = lab.attempt(task, 1)
    first.create(names.claim(1), b"{}")
    first.append(names.events(1), 0, b"line\n")
    with lab.site().changes(task) as changes:
        lab.attempt(task, 2).create(names.claim(2), b"{}")
        assert changes.wait(30)
        second = lab.attempt(task, 2)
        second.append(names.events(2), 0, b"line\n")
        assert changes.wait(30)
        second.create(names.result, b"{}")
        assert changes.wait(30)
        assert not changes.wait(0.3)
