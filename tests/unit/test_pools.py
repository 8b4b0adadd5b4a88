"""Definitions, invites and outputs of pools: what is kept, what is given away, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Site, places, settings, wiring
from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.pool import AzurePool, QueueKeys, Queues, WorkerSign
from codalab_nb.model.task import Hint
from codalab_nb.site import pools_admin
from codalab_nb.site.monitor import PoolWatch
from codalab_nb.site.pools_files import PoolFiles

pytest.importorskip("azure.servicebus")

BICEP = Path(__file__).resolve().parents[2] / "worker/deploy/azure/pool.bicep"


def pool(name: str = "lab") -> AzurePool:
    keys = {place: f"secret-{place}" for place in ("urgent", "background", "responses")}
    return AzurePool(
        name=name,
        namespace="lab.servicebus.windows.net",
        queues=Queues.of(name),
        account_url="https://lab.blob.core.windows.net",
        prefix=name,
        created_at=utc_now(),
        site_keys=QueueKeys(**keys),
        account_key="c2VjcmV0LWFjY291bnQ=",
        worker_keys=QueueKeys(**keys),
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    config = settings.load({"CODALAB_NB_HOME": str(tmp_path / "home")})
    with Site(places.prepare(config), config, serve=False) as one:
        one.pools.files.create(pool())
        yield one


def sign(worker: str = "host:1", **fields: object) -> WorkerSign:
    now = utc_now()
    values = {
        "worker": worker,
        "program": "0.1",
        "sandbox": "bubblewrap",
        "slots": 1,
        "since": now,
        "at": now,
        **fields,
    }
    return WorkerSign.model_validate(values)


def test_a_definition_is_private_and_others_are_told(site: Site) -> None:
    """It holds keys: nobody else on the machine may read it, and if somebody could, that is said."""
    file = site.places.home / "pools" / "lab.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert site.pools.names() == ["local", "lab"]
    file.chmod(0o644)
    with pytest.raises(UnavailableError, match="others on this machine may read it"):
        site.pools.definition("lab")


def test_a_damaged_definition_hides_no_other_pool_and_shows_no_key(site: Site) -> None:
    """What is wrong is told without what is secret."""
    file = site.places.home / "pools" / "lab.json"
    file.write_text(file.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(UnavailableError) as caught:
        site.pools.definition("lab")
    told: BaseException | None = caught.value
    while told is not None:
        assert "secret" not in str(told)
        told = told.__cause__
    assert site.pools.side("local").name == "local"


def test_no_secret_is_in_a_repr() -> None:
    """A log line or a traceback may show the object."""
    assert "secret" not in repr(pool())
    assert "c2Vj" not in repr(pool())


def test_an_unknown_pool_is_refused_with_the_rest(site: Site) -> None:
    """Before anything is stored."""
    for name in ("nope", "../etc", ""):
        with pytest.raises(InputError) as caught:
            site.pools.side(name)
        assert caught.value.code == "pool_unknown"


def test_an_invite_holds_what_a_worker_needs_and_no_key(site: Site) -> None:
    """Tokens of its own with an expiry; neither a key nor anything of the store or the home."""
    made = [pools_admin.invite(site, "lab", dt.timedelta(days=30)) for _ in range(3)]
    assert len({one.tokens.urgent for one in made}) == 3
    for one in made:
        text = one.to_bytes().decode()
        assert "secret" not in text
        assert "c2Vj" not in text
        assert str(site.places.home) not in text
        for queue, token in zip(one.queues.all, one.tokens.model_dump().values(), strict=True):
            assert f"lab.servicebus.windows.net%2f{queue}".lower() in token.lower()
            assert f"se={int(one.expires_at.timestamp())}" in token
    definition = pools_admin.azure_pool(site, "lab")
    assert [one.id for one in definition.invites] == [one.id for one in made]


def test_an_invite_opens_no_new_connection_of_the_site(site: Site) -> None:
    """The site's side stays as it is when only invites or the workers' keys change."""
    side = site.pools.side("lab")
    pools_admin.invite(site, "lab", dt.timedelta(days=1))
    assert site.pools.side("lab") is side
    site.pools.files.change("lab", lambda now: now.model_copy(update={"prefix": "other"}))
    assert site.pools.side("lab") is not side


@pytest.mark.parametrize("life", [dt.timedelta(minutes=5), dt.timedelta(days=5000)])
def test_lives_of_invites_have_bounds(site: Site, life: dt.timedelta) -> None:
    """Tokens that never end cannot be forgotten."""
    with pytest.raises(InputError) as caught:
        pools_admin.invite(site, "lab", life)
    assert caught.value.code == "invite_life"


def test_the_local_pool_has_no_invites(site: Site) -> None:
    """It is this machine."""
    for action in (
        lambda: pools_admin.invite(site, "local", dt.timedelta(days=1)),
        lambda: pools_admin.remove(site, "local"),
    ):
        with pytest.raises(InputError) as caught:
            action()
        assert caught.value.code == "pool_local"


def test_names_are_told_before_anything_is_made(site: Site) -> None:
    """All that is missing at once."""
    with pytest.raises(InputError) as caught:
        pools_admin.create(site, "Lab 1", pools_admin.Place())
    assert [one.code for one in caught.value.problems] == ["pool_name", "pool_account", "pool_namespace"]
    with pytest.raises(InputError) as caught:
        pools_admin.create(site, "lab", pools_admin.Place(account_url="https://other.blob.core.windows.net"))
    assert [one.code for one in caught.value.problems] == ["pool_exists"]
    with pytest.raises(InputError) as caught:
        pools_admin.create(site, "far", pools_admin.Place(namespace="x", account_url="ftp://x"))
    assert [one.code for one in caught.value.problems] == ["pool_account"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"urgentQueue": 3}', '{"properties": {}}', "null", "3"])
def test_outputs_that_are_none_are_refused(text: str) -> None:
    """With the command that prints them."""
    with pytest.raises(InputError) as caught:
        pools_admin.place_from_outputs(text.encode(), "f.json")
    assert caught.value.code == "pool_outputs"


def test_the_template_says_what_the_program_expects() -> None:
    """Bicep and the admin SDK make the same queues; its outputs are those that `create --from` reads."""
    from codalab_nb.queues.servicebus import QUEUE_SETTINGS
    from codalab_nb.queues.servicebus_pool import _RESPONSES, _TASKS

    text = BICEP.read_text()
    told = {
        "lock_duration": re.search(r"lockDuration: 'PT(\d+)M'", text),
        "max_delivery_count": re.search(r"maxDeliveryCount: (\d+)", text),
        "duplicate_detection_history_time_window": re.search(r"duplicateDetectionHistoryTimeWindow: 'PT(\d+)M'", text),
    }
    for name, found in told.items():
        assert found is not None, name
        value = QUEUE_SETTINGS[name]
        assert (dt.timedelta(minutes=int(found[1])) if isinstance(value, dt.timedelta) else int(found[1])) == value
    for name in (
        "requiresDuplicateDetection: true",
        "requiresSession: false",
        "deadLetteringOnMessageExpiration: false",
    ):
        assert name in text
    for queue, rules in (("urgent", _TASKS), ("background", _TASKS), ("responses", _RESPONSES)):
        for rule, rights in rules.items():
            found = re.search(rf"resource {queue}{rule.title()} .*?rights: \[([^\]]*)\]", text, re.DOTALL)
            assert found is not None
            assert re.findall(r"'(\w+)'", found[1]) == list(rights)
    outputs = re.findall(r"^output (\w+) string", text, re.MULTILINE)
    values = json.dumps({name: {"type": "String", "value": f"https://{name}"} for name in outputs})
    assert pools_admin.place_from_outputs(values.encode(), "f").account_url == "https://accountUrl"
    assert "listKeys" not in text  # outputs stay in the history of a deployment


def test_signs_of_life_fill_a_table_and_forged_ones_nothing_else(site: Site) -> None:
    """A pool's response queue is open to its workers: what is not understood is dropped, and counted to nobody."""
    watch = PoolWatch(site.ledger, site.pools.side("lab"))
    watch.take_response(sign(kernels=("python3", "ir"), load=0.5).to_bytes())
    watch.take_response(sign("host:2", note="no sandbox").to_bytes())
    watch.take_response(sign("host:3", leaving=True).to_bytes())
    for body in (
        b"",
        b"{}",
        b'{"version": 1}',
        b"\xff",
        sign().to_bytes()[:-1],
        b'{"version":1,"worker":"' + b"x" * 5000,
    ):
        watch.take_response(body)
    watch.take_response(Hint(task="../../etc").to_bytes())
    watch.take_response(Hint(task=new_id()).to_bytes())
    seen = {one.sign.worker: one.is_there for one in site.ledger.workers.of("lab")}
    assert seen == {"host:1": True, "host:2": True, "host:3": False}
    assert pools_admin.no_worker(site, "lab") is None
    assert site.ledger.workers.of("other") == []


def test_who_waits_for_nobody_is_told(site: Site) -> None:
    """Nobody invited; nobody seen; somebody who takes no work."""
    assert "pool invite lab" in (pools_admin.no_worker(site, "lab") or "")
    site.ledger.workers.saw("lab", sign(note="3 tasks in a row could not be run here"))
    assert "take no work" in (pools_admin.no_worker(site, "lab") or "")
    site.ledger.workers.saw("lab", sign(leaving=True))
    assert "no worker has been seen in pool lab since" in (pools_admin.no_worker(site, "lab") or "")


def test_without_the_extra_the_command_to_install_it_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a pool on Azure needs it."""
    import sys

    for name in [
        name for name in sys.modules if name.startswith(("codalab_nb.queues.servicebus", "codalab_nb.stores.azure"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("azure.servicebus", "azure.storage.blob", "azure.identity"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CodalabError) as caught:
        wiring.open_pool(pool(), site.places, site.settings)
    assert (caught.value.code, caught.value.fix) == ("azure_missing", "pip install 'codalab-nb[azure]'")
    assert site.pools.side("local").name == "local"


def test_two_changes_at_once_lose_none(tmp_path: Path) -> None:
    """Two operators, one home."""
    files = PoolFiles(tmp_path / "pools")
    files.create(pool())
    with pytest.raises(InputError, match="already"):
        files.create(pool())
    import threading

    def add() -> None:
        for _ in range(20):
            files.change("lab", lambda now: now.model_copy(update={"heartbeat_s": now.heartbeat_s + 1}))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = files.read("lab")
    assert found is not None
    assert found.heartbeat_s == 85.0
