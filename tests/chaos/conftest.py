"""The storage account for the tests that need one."""

from tests.support.azurite import account, entra_account

__all__ = ["account", "entra_account"]
