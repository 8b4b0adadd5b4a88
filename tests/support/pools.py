"""A pool on the broker double and Azurite, made and served as an operator does: by commands, in other processes."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import wiring
from codalab_nb.model.pool import AzurePool, Invite
from tests.support.azurite import Account
from tests.support.home import ROOT, Home, wait_for

KEY = "key-of-the-root"


@dataclass
class Azure:
    """What an operator has: a namespace with Manage, and a storage account."""

    broker: str  # host:port of the queues
    connection: str  # with Manage
    certificate: str
    account: Account
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"REQUESTS_CA_BUNDLE": self.certificate, "MANAGE": self.connection, "ACCOUNT_KEY": self.account.key}

    def control(self, **request: Any) -> Any:
        """Moves the broker's clock, makes faults (tests/support/azure_admin.py); without a request: its counters."""
        host = self.connection.partition("sb://")[2].partition(";")[0]
        body = json.dumps(request).encode() if request else None
        trusted = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(f"https://{host}/control", body, timeout=20, context=trusted) as answer:
            return json.load(answer)

    def outputs(self, pool: str, **other: str) -> Path:
        """What `az deployment … --query properties.outputs` prints for a pool."""
        values = {
            "serviceBusNamespace": self.broker,
            "urgentQueue": f"{pool}-urgent",
            "backgroundQueue": f"{pool}-background",
            "responseQueue": f"{pool}-responses",
            "accountUrl": self.account.url,
            "containerPrefix": f"{pool}-{os.urandom(3).hex()}",
            **other,
        }
        file = self.folder / f"{pool}.outputs.json"
        file.write_text(json.dumps({name: {"type": "String", "value": value} for name, value in values.items()}))
        return file


@contextlib.contextmanager
def broker_program() -> Iterator[dict[str, str]]:
    """The broker double as a program of its own, and the addresses that it prints."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.support.broker", "--rule", f"root:Send,Listen,Manage:{KEY}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        yield json.loads(program.stdout.readline())
    finally:
        program.stdin.close()
        ended = program.wait(20)
        program.stdout.close()
    assert ended == 0


@contextlib.contextmanager
def azure(account: Account, folder: Path) -> Iterator[Azure]:
    with broker_program() as where:
        connection = f"Endpoint=sb://{where['admin']};SharedAccessKeyName=root;SharedAccessKey={KEY}"
        yield Azure(where["broker"], connection, where["certificate"], account, folder)


class Command:
    """The installed command, with the home's settings and the operator's secrets in its environment."""

    def __init__(self, home: Home, azure: Azure) -> None:
        self._home = home
        self._azure = azure

    def __call__(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("codalab-nb")), *words],
            env={**self._home.environment(), **self._azure.variables},
            cwd=self._azure.folder,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        for secret in (self._azure.account.key, KEY):
            assert secret not in done.stdout + done.stderr
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)

    def create(self, pool: str, **other: str) -> None:
        outputs = str(self._azure.outputs(pool, **other))
        secrets = ("--servicebus-connection-env", "MANAGE", "--account-key-env", "ACCOUNT_KEY")
        self("pool", "create", pool, "--from", outputs, *secrets)

    def hurry(self, pool: str, **other: float) -> None:
        """A death there is noticed within two seconds; for invites made from now on."""
        file = self._home.folder / "pools" / f"{pool}.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "heartbeat_s": 0.5, "pass_s": 0.5, **other}))

    def invite(self, pool: str) -> Path:
        return Path(self.json("pool", "invite", pool)["file"])


def signed(home: Home, pool: str, folder: Path, *, life_s: float, namespace: str | None = None) -> Path:
    """An invite with what `pool invite` does not offer."""
    definition = AzurePool.model_validate_json((home.folder / "pools" / f"{pool}.json").read_bytes())
    if namespace is not None:
        definition = definition.model_copy(update={"namespace": namespace})
    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(seconds=life_s)
    file = folder / f"{os.urandom(3).hex()}.invite.json"
    made = Invite(
        id="0" * 8, pool=pool, namespace=definition.namespace, queues=definition.queues,
        tokens=wiring.worker_tokens(definition, until), account_url=definition.account_url, made_at=now,
        expires_at=until, heartbeat_s=0.5, lock_s=definition.lock_s,
    )  # fmt: skip
    file.write_bytes(made.to_bytes())
    return file


@contextlib.contextmanager
def worker(invite: Path, folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that joins by the installed command, in a process of its own; `folder` is its home."""
    folder.mkdir(parents=True)
    log = folder / "worker.log"
    others = {name: value for name, value in os.environ.items() if not name.startswith("CODALAB_NB_")}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("codalab-worker")), "join", str(invite), "--log", "json", *words],
            env={**others, "CODALAB_NB_HOME": str(folder), "CODALAB_NB_WARM": "1"},
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        wait_for(lambda: b'"message": "serving ' in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- for pytest: import these in a conftest.py


@pytest.fixture(scope="module")
def operator(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    with azure(account, tmp_path_factory.mktemp("operator")) as one:
        yield one


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Its background process is here to send and to fold: what it could run itself is not wanted."""
    with Home(tmp_path_factory.mktemp("home") / "h", CODALAB_NB_SLOTS="1", CODALAB_NB_WARM="0") as one:
        yield one


@pytest.fixture(scope="module")
def command(home: Home, operator: Azure) -> Command:
    return Command(home, operator)


@pytest.fixture(scope="module")
def shift(command: Command) -> str:
    """A pool that several workers serve in turn."""
    command.create("shift")
    command.hurry("shift")
    return "shift"
