"""I13: who may do what with a grant, by the real protocol, every verb on every kind of name; the page says the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from codalab_nb.errors import InputError, ProtocolError
from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.grant import LONGEST_DELEGATED_S, life_s
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.ports import SiteStore
from tests.support.azure_store import Lab, document_of
from tests.support.azurite import Account, Token
from tests.support.grants_page import page, trial

PAGE = Path(__file__).parents[3] / "docs/understand/grants.md"


def test_a_grant_signed_with_a_key(account: Account, tmp_path: Path) -> None:
    """Everything but the names of the attempt is refused, nothing that was there changes, and the page tells it so."""
    lab = Lab(account, tmp_path)
    assert page(trial(lab)) == PAGE.read_text(), "python -m tests.support.grants_page > docs/understand/grants.md"
    lab.close()


def test_a_grant_signed_for_an_identity(entra_account: Account, tmp_path: Path) -> None:
    """A user delegation SAS gives the same rights, not one more."""
    lab = Lab(entra_account, tmp_path, credential=Token())
    assert page(trial(lab)) == PAGE.read_text()
    lab.close()


def test_links_of_an_identity_live_a_week(entra_account: Account, tmp_path: Path) -> None:
    """What cannot be granted for long enough is refused with the longest time limit that can be."""
    lab = Lab(entra_account, tmp_path, credential=Token())
    site, task = lab.site(), new_id()
    assert isinstance(site, SiteStore)
    assert site.longest_grant_s is not None
    assert site.longest_grant_s <= LONGEST_DELEGATED_S
    with pytest.raises(InputError) as caught:
        site.grant(document_of(task), 1, utc_now() + dt.timedelta(days=8))
    assert caught.value.code == "grant_life"
    with pytest.raises(InputError, match="--timeout") as caught:
        life_s(7 * 86400, 3600, site.longest_grant_s)
    assert life_s(3600, 3600, site.longest_grant_s) == 3 * 3600
    lab.close()


def test_a_link_for_another_attempt_is_refused(account: Account, tmp_path: Path) -> None:
    """A message that names one attempt and brings the grant of another is nobody's honest mistake."""
    lab = Lab(account, tmp_path)
    task = new_id()
    link = lab.link(task, 1)
    for claimed in ((task, 2), (new_id(), 1)):
        with pytest.raises(ProtocolError, match="The grant is for"):
            lab.workers.open(*claimed, link).read(TaskNames(claimed[0]).document)
    for wrong in ("no link", "https://", "http://account.blob.core.windows.net/c/b?sig=x"):
        with pytest.raises(ProtocolError) as caught:
            lab.workers.open(task, 1, wrong).read(TaskNames(task).document)
        assert caught.value.code == "bad_grant"
    lab.close()


def test_a_grant_that_was_forged_ahead_is_replaced(account: Account, tmp_path: Path) -> None:
    """A worker that puts its own document where the next attempt's grant will be decides nothing by it."""
    lab = Lab(account, tmp_path)
    task = new_id()
    first = lab.attempt(task, 1)
    forged = lab.workers.client(f"{first._grant.container}/grants/2.json?{first._grant.create}")
    forged.upload_blob(b"{}")
    assert lab.attempt(task, 2).read(TaskNames(task).document)
    lab.close()
