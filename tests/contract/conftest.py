"""The storage account for the suites that need one."""

from tests.support.azurite import account

__all__ = ["account"]
