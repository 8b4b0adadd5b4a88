"""A second machine, as far as one machine can be one: another account in a network namespace of its own, behind a pair
of virtual cards. Needs root.

The doubles of the services listen on this machine's loopback, the one place where they may go without TLS. The second
machine has a loopback of its own: forwarders there and here carry what is said on the same ports across the pair.
`python -m tests.support.network FROM TO PORT…` is one of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.home import ROOT

ACCOUNT = 65534  # nobody: it owns nothing, and no other account may be made for a test
HERE, THERE = "10.213.7.1", "10.213.7.2"
NAME = "codalab-second"


def why_not() -> str:
    """Why there can be no second machine; empty when there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root, to make a network namespace and to be another account"
    if not all(map(shutil.which, ("ip", "setpriv", "unshare"))):
        return "needs ip (iproute2) and setpriv (util-linux)"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        return "network namespaces are not permitted here"
    twice = "import codalab_nb, subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', '']))"
    if subprocess.run([*as_account(), sys.executable, "-c", twice], capture_output=True).returncode:
        return f"{sys.executable} cannot be run by another account"
    return ""


def as_account() -> tuple[str, ...]:
    """What runs a command as somebody else, who may read the Python in use: if it lies in a home that is closed to
    others, that home is an empty folder in the mounts of the command, with the Python alone in it."""
    account = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--no-new-privs")
    python = Path(sys.base_prefix)
    closed = next((one for one in reversed(python.parents) if not one.stat().st_mode & 0o001), None)
    if closed is None:
        return account
    script = (
        'aside=$(mktemp -d) && mount --bind "$1" "$aside" && mount -t tmpfs -o mode=755 none "$2" && mkdir -p "$1"'
        ' && mount --move "$aside" "$1" && rmdir "$aside" && shift 2 && exec "$@"'
    )
    return ("unshare", "--mount", "sh", "-c", script, "sh", str(python), str(closed), *account)


@contextlib.contextmanager
def second_machine(ports: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """Yields what runs a command there, as the other account. `ports` of our loopback are the same on its own."""
    inside = ("ip", "netns", "exec", NAME)
    _run("ip", "netns", "add", NAME)
    forwarders: list[subprocess.Popen[str]] = []
    try:
        _run("ip", "link", "add", "cnb-here", "type", "veth", "peer", "name", "cnb-there")
        _run("ip", "link", "set", "cnb-there", "netns", NAME)
        _run("ip", "addr", "add", f"{HERE}/30", "dev", "cnb-here")
        _run("ip", "link", "set", "cnb-here", "up")
        _run(*inside, "ip", "addr", "add", f"{THERE}/30", "dev", "cnb-there")
        for card in ("cnb-there", "lo"):
            _run(*inside, "ip", "link", "set", card, "up")
        forwarders = [_forwarder(HERE, "127.0.0.1", ports), _forwarder("127.0.0.1", HERE, ports, inside)]
        yield (*inside, *as_account())
    finally:
        for one in forwarders:
            one.terminate()
            one.wait(20)
            assert one.stdout is not None
            one.stdout.close()
        subprocess.run(["ip", "link", "del", "cnb-here"], capture_output=True)
        _run("ip", "netns", "del", NAME)


def listeners(inside: Sequence[str]) -> set[str]:
    """Addresses (IPv4, IPv6) on which something waits for connections there."""
    found = set()
    for table in ("tcp", "tcp6"):
        said = subprocess.run([*inside, "cat", f"/proc/net/{table}"], capture_output=True, text=True, check=True)
        for line in said.stdout.splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # LISTEN
                found.add(fields[1].partition(":")[0])
    return found


LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel writes it


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stderr)


def _forwarder(listen: str, to: str, ports: Sequence[int], inside: Sequence[str] = ()) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*inside, sys.executable, "-m", "tests.support.network", listen, to, *map(str, ports)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _serve(listen: str, to: str, port: int) -> None:
    with socket.create_server((listen, port), backlog=64) as server:
        while True:
            near, _ = server.accept()
            threading.Thread(target=_join, args=(near, to, port), daemon=True).start()


def _join(near: socket.socket, to: str, port: int) -> None:
    with near, contextlib.suppress(OSError), socket.create_connection((to, port)) as far:
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _main(listen: str, to: str, *ports: str) -> None:
    threads = [threading.Thread(target=_serve, args=(listen, to, int(port)), daemon=True) for port in ports]
    for one in threads:
        one.start()
    for port in ports:
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection((listen, int(port)), 5):
                break
    print("ready", flush=True)
    for one in threads:
        one.join()


def place_of(account: int, folder: Path) -> Path:
    """`folder`, for that account alone."""
    folder.mkdir(mode=0o700)
    os.chown(folder, account, account)
    return folder


if __name__ == "__main__":
    _main(*sys.argv[1:])
