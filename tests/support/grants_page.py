"""docs/understand/grants.md from what the service really refused: `python -m tests.support.grants_page > …`.

A trial plays a worker with bad intentions: it has the link of one attempt, takes every signature out of the grant, and
tries each of them with every verb of the protocol on every kind of name, by plain requests, without any code of ours
in between. A cell of the table says yes if one of the signatures was enough.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, urlsplit

from codalab_nb.model import names
from codalab_nb.model.base import new_id
from codalab_nb.model.grant import Grant
from tests.support.azure_store import Lab
from tests.support.azurite import Account, serve

_VERSION = "2021-12-02"
_DATA = b"forged"

# Columns of the table, and the requests that stand behind each: (method, query, headers, body).
_Request = tuple[str, str, dict[str, str], bytes]
_BLOCK = "QUFB"
_BLOCK_LIST = b"<?xml version='1.0'?><BlockList><Latest>QUFB</Latest></BlockList>"
VERBS: dict[str, list[_Request]] = {
    "read": [("GET", "", {}, b""), ("HEAD", "", {}, b""), ("GET", "comp=metadata", {}, b"")],
    "create": [
        ("PUT", "", {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}, _DATA),
        ("PUT", "", {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"}, b""),
    ],
    "append": [("PUT", "comp=appendblock", {}, _DATA)],
    "overwrite": [
        ("PUT", "", {"x-ms-blob-type": "BlockBlob"}, _DATA),
        ("PUT", "", {"x-ms-blob-type": "AppendBlob"}, b""),
        ("PUT", f"comp=block&blockid={_BLOCK}", {}, _DATA),
        ("PUT", "comp=blocklist", {}, _BLOCK_LIST),
    ],
    "change": [
        ("PUT", "comp=metadata", {"x-ms-meta-forged": "yes"}, b""),
        ("PUT", "comp=properties", {"x-ms-blob-content-type": "text/html"}, b""),
        ("PUT", "comp=lease", {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15"}, b""),
        ("PUT", "comp=tier", {"x-ms-access-tier": "Cool"}, b""),
        ("PUT", "comp=seal", {}, b""),
    ],
    "delete": [("DELETE", "", {}, b"")],
}
CONTAINER_VERBS: dict[str, list[_Request]] = {
    "list": [("GET", "restype=container&comp=list", {}, b"")],
    "read": [("GET", "restype=container", {}, b""), ("GET", "restype=container&comp=acl", {}, b"")],
    "change": [
        ("PUT", "restype=container&comp=metadata", {"x-ms-meta-forged": "yes"}, b""),
        ("PUT", "restype=container&comp=acl", {"x-ms-blob-public-access": "container"}, b""),
        ("PUT", "restype=container&comp=lease", {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15"}, b""),
    ],
    "create": [("PUT", "restype=container", {}, b"")],
    "delete": [("DELETE", "restype=container", {}, b"")],
}
ACCOUNT_VERBS: dict[str, list[_Request]] = {
    "list": [("GET", "comp=list", {}, b"")],
    "read": [("GET", "restype=service&comp=properties", {}, b""), ("GET", "restype=account&comp=properties", {}, b"")],
    "change": [("PUT", "restype=service&comp=properties", {}, b"<StorageServiceProperties/>")],
    "create": [],
    "delete": [],
}
COLUMNS = ("read", "create", "append", "overwrite", "change", "delete", "list")


@dataclass
class Row:
    """One kind of name, and which verbs some signature of the grant was enough for."""

    what: str
    path: str  # container/blob
    verbs: dict[str, list[_Request]]
    allowed: set[str] = field(default_factory=set)
    tried: int = 0


def trial(lab: Lab) -> list[Row]:
    """Tries everything and returns what was allowed. Raises AssertionError if anything that was there has changed."""
    site, task, other = lab.site(), new_id(), new_id()
    mine, foreign = names.TaskNames(task), names.TaskNames(other)
    granted, secret = b"an input of the task", b"an input of another task"
    digests = [hashlib.sha256(data).hexdigest() for data in (granted, secret)]
    for data, digest in zip((granted, secret), digests, strict=True):
        site.put_blob(data, digest)
    link = lab.link(task, 1, [digests[0]])
    lab.link(task, 2, [digests[0]])
    lab.link(other, 1, [digests[1]])
    there = [mine.accepted, mine.claim(1), mine.claim(2), mine.manifest(1), mine.result, mine.files(1) + "done.csv"]
    for name in (*there, foreign.result, "datasets/d/1.json", "batches/b.json"):
        site.create(name, json.dumps({"there": name}).encode())
    site.mark_watched(task)
    for n in (1, 2):
        lab.workers.open(task, n, link if n == 1 else lab.link(task, 2)).append(mine.events(n), 0, b"line\n")
    container, shared = site.containers.of_task(task), site.containers.shared

    def row(what: str, name: str) -> Row:
        return Row(what, "/".join(site.containers.place(name)), VERBS)

    rows = [
        row("own task: `task.json`", mine.document),
        row("own task: `result.json`", mine.result),
        row("own task: `watched` (somebody looks on)", mine.watched),
        row("own task: `accepted.json`", mine.accepted),
        row("own attempt: its grant", mine.grant(1)),
        row("own attempt: its claim", mine.claim(1)),
        row("own attempt: events", mine.events(1)),
        row("own attempt: manifest, files", mine.files(1) + "done.csv"),
        row("own attempt: a new name", mine.files(1) + "new.csv"),
        row("another attempt of the task: its grant", mine.grant(2)),
        row("another attempt of the task: its claim", mine.claim(2)),
        row("another attempt of the task: events", mine.events(2)),
        row("another attempt of the task: a new name", mine.claim(3)),
        row("an input of the task", names.blob(digests[0])),
        row("any other blob", names.blob(digests[1])),
        row("blobs: a new name", names.blob("0" * 64)),
        row("data sets, batches", "datasets/d/1.json"),
        row("another task: `task.json`", foreign.document),
        row("another task: `result.json`", foreign.result),
        row("another task: a new name", foreign.claim(1)),
        Row("the task's container itself", container, CONTAINER_VERBS),
        Row("the container of blobs and documents itself", shared, CONTAINER_VERBS),
        Row("another task's container itself", site.containers.of_task(other), CONTAINER_VERBS),
        Row("a new container", site.containers.of_task(new_id()), {"create": CONTAINER_VERBS["create"]}),
        Row("the account", "", ACCOUNT_VERBS),
    ]
    # `watched` and a grant are replaced by the site itself; everything else must never change.
    before = _contents(lab)
    grant = Grant.model_validate_json(lab.workers.client(link).download_blob().readall())
    signatures = [grant.create, *(read.partition("?")[2] for read in grant.read.values())]
    sender = _Sender(lab.account)
    for one in rows:
        _try(sender, one, signatures)
    sender.close()
    after = _contents(lab)
    appended = {name for name in before if after.get(name) != before[name]}
    assert appended <= {mine.events(1), mine.events(2)}, appended
    assert all(after[name].startswith(before[name]) for name in appended)
    return rows


def _contents(lab: Lab) -> dict[str, bytes]:
    site = lab.site()
    listed = [name for prefix in ("tasks/", "blobs/", "datasets/", "batches/") for name in site.list(prefix)]
    return {name: site.read(name) for name in listed}


def _try(sender: _Sender, row: Row, signatures: list[str]) -> None:
    for verb, requests in row.verbs.items():
        for method, query, headers, body in requests:
            for signature in (*signatures, ""):
                status = sender.send(row.path, method, f"{query}&{signature}".strip("&"), headers, body)
                row.tried += 1
                if 200 <= status < 300:
                    row.allowed.add(verb)


class _Sender:
    """Plain requests to the account, over one connection."""

    def __init__(self, account: Account) -> None:
        parts = urlsplit(account.url)
        assert parts.hostname is not None
        self._before = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        if parts.scheme == "https":
            trust = ssl.create_default_context(cafile=account.certificate)
            self._connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=trust)

    def send(self, path: str, method: str, query: str, headers: dict[str, str], body: bytes) -> int:
        target = f"{self._before}/{quote(path)}?{query}" if path else f"{self._before}?{query}"
        fixed = {"x-ms-version": _VERSION, "x-ms-date": formatdate(usegmt=True), "Content-Length": str(len(body))}
        try:
            self._connection.request(method, target, body or None, {**fixed, **headers})
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):  # it was idle for too long
            self._connection.close()
            self._connection.request(method, target, body or None, {**fixed, **headers})
            response = self._connection.getresponse()
        response.read()
        return response.status

    def close(self) -> None:
        self._connection.close()


HEAD = """# Grants: what a worker may do in the store

On Azure a worker has no credential for the store. The message that wakes it brings one link, to the *grant* of its
attempt; the grant holds links to the names that the attempt reads, and one signature to create names in the task's
container and to append to what was created so. All of them end with the grant: after the life of the message, the
time limit of the task, and an hour. Where the site has an identity of Microsoft Entra, they are signed for it (a user
delegation SAS, at most seven days), else with the account's key.

Nothing can be overwritten, changed, deleted or listed with it. Of two creators of a name one wins, and the other is
told so: that is what keeps a verdict for ever, and the service itself sees to it.

This table is what was really allowed and refused when every signature of a grant was tried with every verb on every
kind of name, by plain requests ({tried} of them; `python -m tests.support.grants_page` writes it, a test compares
it). It was tried on Azurite, Microsoft's emulator, with a key and with an identity; not on a real account.

"""

FOOT = """
*create* counts for a name that is not there yet; *change* is metadata, properties, tier, lease and seal.

What follows from the yes that one might not expect: a worker can put new names into its task's container outside its
own attempt, and add lines to another attempt's events *of the same task*. It gains nothing by it: `result.json`
counts only with the nonce of the claim that it names, a claim that was taken first only uses up an attempt of that
task, the site writes each grant anew over whatever is there, and events are a view. A pool is a domain of trust:
whoever serves it could have spoiled its tasks anyway, by running them badly.
"""


def page(rows: list[Row]) -> str:
    lines = [HEAD.format(tried=f"{sum(row.tried for row in rows):,}")]
    lines.append("| | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1) + "\n")
    for row in rows:
        cells = ["**yes**" if verb in row.allowed else "no" if verb in row.verbs else "" for verb in COLUMNS]
        lines.append(f"| {row.what} | " + " | ".join(cells) + " |\n")
    return "".join([*lines, FOOT])


def measured() -> Iterator[str]:
    with serve() as account, tempfile.TemporaryDirectory() as folder:
        lab = Lab(account, Path(folder))
        yield page(trial(lab))
        lab.close()


if __name__ == "__main__":
    print(next(measured()), end="")
