"""Signs grants: links that let a worker do what one attempt needs, at the names of that attempt, for a time.

With an account key it signs by itself; with an identity of Microsoft Entra it asks the service for a key that is
good for at most seven days, and signs with that (a user delegation SAS, which the service ties to the identity).
"""

from __future__ import annotations

import datetime as dt
import threading
from urllib.parse import quote

from azure.storage.blob import (
    BlobSasPermissions,
    BlobServiceClient,
    ContainerSasPermissions,
    UserDelegationKey,
    generate_blob_sas,
    generate_container_sas,
)

from codalab_nb.errors import InputError
from codalab_nb.model.base import utc_now
from codalab_nb.model.grant import LONGEST_DELEGATED_S
from codalab_nb.stores.azure_edge import Edge, Refused, surprise

_SKEW = dt.timedelta(minutes=15)  # by how much clocks may differ
_LONGEST = dt.timedelta(seconds=LONGEST_DELEGATED_S)


class Signer:
    """`key`: the account's key, or None to ask with the identity that `service` has. Used by many threads."""

    def __init__(self, service: BlobServiceClient, edge: Edge, key: str | None) -> None:
        self._service = service
        self._edge = edge
        self._key = key
        self._delegated: UserDelegationKey | None = None
        self._delegated_until = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._lock = threading.Lock()
        self.longest_s = None if key is not None else LONGEST_DELEGATED_S - _SKEW.total_seconds()
        self._protocol = "https" if service.url.startswith("https:") else "https,http"

    def check(self, expiry: dt.datetime) -> None:
        """Raises InputError(grant_life) for links that would have to live longer than they can."""
        life_s = (expiry - utc_now()).total_seconds()
        if self.longest_s is not None and life_s > self.longest_s:
            raise InputError(
                "grant_life",
                f"A grant for {life_s / 3600:.1f} h was asked for; links signed for an identity live at most"
                f" {self.longest_s / 3600:.1f} h.",
                "Choose a shorter time limit (`--timeout`).",
            )

    def container(self, container: str, permission: ContainerSasPermissions, expiry: dt.datetime) -> str:
        """The query string that gives the permission in all of a container."""
        signature: str = generate_container_sas(
            self._account,
            container,
            permission=permission,
            expiry=expiry,
            protocol=self._protocol,
            account_key=self._key,
            user_delegation_key=self._delegated_for(expiry),
        )
        return signature

    def link(self, container: str, blob: str, permission: BlobSasPermissions, expiry: dt.datetime) -> str:
        signature = generate_blob_sas(
            self._account,
            container,
            blob,
            permission=permission,
            expiry=expiry,
            protocol=self._protocol,
            account_key=self._key,
            user_delegation_key=self._delegated_for(expiry),
        )
        return f"{self._service.url.rstrip('/')}/{container}/{quote(blob)}?{signature}"

    @property
    def _account(self) -> str:
        assert self._service.account_name is not None
        return str(self._service.account_name)

    def _delegated_for(self, expiry: dt.datetime) -> UserDelegationKey | None:
        """A key of the service's that lives as long; it serves many grants. None when we have the account's own."""
        if self._key is not None:
            return None
        with self._lock:
            if self._delegated is None or self._delegated_until < expiry:
                start = utc_now() - _SKEW
                until = start + _LONGEST
                try:
                    self._delegated = self._edge.call(
                        "grants", lambda: self._service.get_user_delegation_key(start, until)
                    )
                except Refused as refused:
                    raise surprise("the signing of grants (role Storage Blob Delegator)", refused) from refused.cause
                self._delegated_until = until
            return self._delegated
