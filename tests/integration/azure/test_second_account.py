"""A newcomer's account, on a network of its own, becomes a worker with two commands: `pip install` (here: the
environment that is installed, which it may read) and `codalab-worker join INVITE`. Nobody can connect to it."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from codalab_nb import Options
from codalab_nb.model.task import Verdict
from tests.support import network
from tests.support.azurite import Account
from tests.support.home import PATIENCE_S, Home
from tests.support.notebooks import write
from tests.support.pools import Command, azure
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine

pytestmark = SDK_LEAVES_SOCKETS


@pytest.fixture
def newcomer() -> Iterator[Path]:
    """A folder of the other account, where pytest's own cannot be reached by it."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as name:
        Path(name).chmod(0o755)
        yield network.place_of(network.ACCOUNT, Path(name) / "home")


def test_two_commands_make_a_worker(account: Account, tmp_path: Path, newcomer: Path) -> None:
    """Outbound connections only: it listens on its own loopback and nowhere else, and serves all the same."""
    if account.real:
        pytest.skip("the second network reaches the emulator alone")
    if why := network.why_not():
        pytest.skip(why)
    operator = azure(account, tmp_path)
    with operator as services, Home(tmp_path / "h", CODALAB_NB_SLOTS="1", CODALAB_NB_WARM="0") as home:
        command = Command(home, services)
        command.create("far")
        sent = Path(shutil.copy(command.invite("far"), newcomer / "far.invite"))  # as by mail
        shutil.chown(sent, network.ACCOUNT, network.ACCOUNT)
        ports = (int(services.broker.partition(":")[2]), urlsplit(account.url).port or 0)
        variables = {"HOME": str(newcomer), "TMPDIR": str(newcomer)}
        with (
            network.second_machine(ports) as there,
            Machine(newcomer / "serving", *there, **variables) as machine,
            home.site(serve=True) as site,
        ):
            shutil.chown(machine.folder, network.ACCOUNT, network.ACCOUNT)
            machine.serve("join", str(sent))
            look = "import os\nprint(os.getuid())\nopen('made.txt', 'w').write('from far away')"
            task = site.run(write(tmp_path / "n.ipynb", look), options=Options(pool="far"))
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED, task.reason
            assert task.file("made.txt").read_text() == "from far away"
            (seen,) = command.json("pool", "show", "far")["workers"]
            assert (seen["there"], seen["sandbox"]) == (True, "bubblewrap")
            assert network.listeners(there) == {network.LOOPBACK}
            port = machine.json("status")[0]["serving"]["port"]
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((network.THERE, port), 5)
            assert machine.json("doctor")["ok"]
            machine.command("leave")
