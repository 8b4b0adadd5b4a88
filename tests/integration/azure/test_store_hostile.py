"""What the owner of a worker can do with the links of a grant, by the real protocol, beyond what the program does with
them: the task is theirs to spoil, but a verdict stays what it was, and what they left can be removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobClient

from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.grant import Grant
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Reason, Verdict
from codalab_nb.site.cleanup import _remove_folder
from codalab_nb.site.results import read_result
from codalab_nb.site.verdicts import decide
from tests.support.azure_store import Lab
from tests.support.azurite import Account


@pytest.fixture
def lab(tmp_path: Path, account: Account) -> Iterator[Lab]:
    one = Lab(account, tmp_path)
    yield one
    one.close()


class Owner:
    """Has the grant of an attempt, and a client of their own."""

    def __init__(self, lab: Lab) -> None:
        self.names = TaskNames(new_id())
        self.attempt = lab.attempt(self.names.task)
        self._grant: Grant = self.attempt._grant
        self._trust = {"connection_verify": str(lab.account.certificate)} if lab.account.certificate else {}

    def blob(self, below: str) -> BlobClient:
        return BlobClient.from_blob_url(f"{self._grant.container}/{below}?{self._grant.create}", **self._trust)

    def bundle(self, files: Mapping[str, bytes], sizes: Mapping[str, int] | None = None) -> str:
        """Publishes them with a manifest of these sizes; the name of their folder."""
        folder = self.names.files(1)
        refs: list[dict[str, Any]] = []
        for path, data in files.items():
            self.attempt.create(folder + path, data)
            digest = hashlib.sha256(data).hexdigest()
            refs.append({"path": path, "size": (sizes or {}).get(path, len(data)), "sha256": digest})
        manifest = {"notebook": "n.ipynb", "files": refs}
        self.attempt.create(self.names.manifest(1), json.dumps(manifest).encode())
        return folder


def _there(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_verdict_that_could_be_appended_to_is_none(lab: Lab) -> None:
    """The right to append, which events need, is one to all of the task's container (I2, I4)."""
    owner, site = Owner(lab), lab.site()
    claim = {"nonce": "a", "worker": "w", "started_at": utc_now().isoformat()}
    owner.attempt.create(owner.names.claim(1), json.dumps(claim).encode())
    result = {"task": owner.names.task, "n": 1, "nonce": "a", "verdict": "succeeded"}
    blob = owner.blob("result.json")
    blob.create_append_blob()
    seen = []
    for more in (json.dumps({**result, "decided_at": utc_now().isoformat()}).encode(), b" ", b"and more"):
        blob.append_block(more)
        found = read_result(site, owner.names.task)
        assert found is not None
        assert found.reason is not None
        seen.append((found.verdict, found.reason))
    assert [(verdict, reason.code) for verdict, reason in seen] == [(Verdict.FAILED, "bad_result")] * 3
    assert not decide(site, owner.names.task, Verdict.CANCELLED, Reason(code="x", message="x"))


def test_snapshots_and_odd_names_do_not_keep_a_task_from_being_removed(lab: Lab) -> None:
    owner, site = Owner(lab), lab.site()
    owner.attempt.create(owner.names.claim(1), b"{}")
    owner.blob("attempts/1/claim.json").create_snapshot()
    for name in ("attempts/1/files//x", "attempts/1/files/a/", "attempts/1/files/a%0Ab"):
        owner.blob(name).upload_blob(b"x")
    _remove_folder(site, owner.names)
    assert list(site.list(owner.names.folder)) == []
    assert owner.names.task not in {name.split("/")[1] for name in site.list("tasks/")}


def test_result_files_may_be_named_as_half_made_ones_are(lab: Lab) -> None:
    files = {"chr1.part": b"two", "chr1": b"one", "chr1.parts": b"three", "chr1.part.part": b"four"}
    assert _there(lab.site().folder(Owner(lab).bundle(files))) == files


def test_a_name_that_is_a_file_and_a_folder_costs_only_itself(lab: Lab) -> None:
    found = _there(lab.site().folder(Owner(lab).bundle({"a": b"one", "a/b": b"two", "c": b"three"})))
    assert found == {"a": b"one", "c": b"three"}


def test_nothing_is_fetched_of_a_result_larger_than_its_task_allows(lab: Lab) -> None:
    folder = lab.site().folder(Owner(lab).bundle({"a": b"one", "c": b"three"}, sizes={"a": 10**15}))
    assert _there(folder) == {}


def test_a_file_shorter_than_promised_leaves_nothing_behind(lab: Lab) -> None:
    folder = lab.site().folder(Owner(lab).bundle({"a": b"one", "c": b"three"}, sizes={"a": 1000}))
    assert _there(folder) == {"c": b"three"}
    assert not list(folder.parent.rglob("*.part"))
