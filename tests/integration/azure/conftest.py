"""A storage account, a proxy before it that makes faults, and an operator with a home, for the tests that need them."""

from tests.support.azurite import account, entra_account
from tests.support.fault_proxy import proxy
from tests.support.pools import command, home, operator, shift

__all__ = ["account", "command", "entra_account", "home", "operator", "proxy", "shift"]
