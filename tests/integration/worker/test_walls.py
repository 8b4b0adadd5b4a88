"""What a task cannot see, reach or keep: the sandbox attacked from inside (THREATS R3-R16, C4, C5)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codalab_worker.warm import Box, Warmth
from tests.integration.worker.box_run import execute, follow, start

_TRY = """
def attempt(name, work):
    try:
        value = work()
        print(name, 'WORKED', str(value)[:80].replace(chr(10), ' '))
    except BaseException as error:
        print(name, 'refused', type(error).__name__, getattr(error, 'errno', ''))
"""


def test_files_of_the_host_are_not_there(wall: Box, walled: Warmth, home: Path, take: Callable[..., Box]) -> None:
    """Only the interpreter and the task's own folder can be seen: no password file, home, neighbour or log."""
    neighbour = take(walled)
    (neighbour.folder / "theirs.txt").write_text("canary-of-the-neighbour")
    hidden = [
        "/etc/shadow",
        "/var/log",
        "/srv",
        "/run",
        "/sys",
        "/mnt",
        str(home / "secret.txt"),
        str(neighbour.folder),
    ]
    run = execute(
        wall,
        f"import os\nprint([path for path in {hidden!r} if os.path.exists(path)])\nprint(os.listdir('/task'))",
        "print(open('/etc/passwd').read())",
    )
    assert run.text() == "[]\n[]\n"
    assert run.text(1).startswith("task:x:")


def test_no_secret_of_the_supervisor_is_in_reach(wall: Box) -> None:
    """Neither environments, command lines nor descriptors of any visible process hold the supervisor's secret."""
    run = execute(
        wall,
        """
import glob, os
found = []
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try:
        data = open(path, 'rb').read()
    except OSError:
        continue
    if b'canary' in data or b'codalab-home' in data:
        found.append(path)
print(found, any('canary' in value for value in os.environ.values()))
print(sorted(os.environ))
kinds = set()
for path in glob.glob('/proc/self/fd/*'):
    try:
        kinds.add(os.readlink(path).split(':')[0])
    except OSError:
        pass
print(sorted(kinds - {'socket', 'pipe', 'anon_inode', '/dev/null'}))
""",
    )
    found, names, descriptors = run.text().splitlines()
    assert found == "[] False"
    assert "CODALAB_TEST_SECRET" not in names
    assert not {"SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"} & set(json.loads(names.replace("'", '"')))
    assert all(name.startswith(("/dev/pts", "/proc", "/task/", "/tmp/")) for name in eval(descriptors)), descriptors


def test_system_is_read_only_and_rights_are_gone(wall: Box) -> None:
    """No capability, no new privileges, a filter; nothing but /task, /tmp and /dev/shm can be written."""
    run = execute(
        wall,
        _TRY
        + """
import os, sys
for path in ('/usr/x', '/etc/x', '/x', '/dev/x', sys.prefix + '/x', '/proc/sys/kernel/hostname'):
    attempt(path, lambda: open(path, 'w'))
for path in ('/task/x', '/tmp/x', '/dev/shm/x'):
    attempt(path, lambda: open(path, 'w').close())
""",
        "for line in open('/proc/self/status'):\n"
        "    if line.startswith(('CapEff', 'CapBnd', 'CapPrm', 'NoNewPrivs', 'Seccomp:', 'Uid')): print(line.strip())",
    )
    lines = run.text().splitlines()
    assert all("refused" in line for line in lines[:6]), lines
    assert all("WORKED" in line for line in lines[6:]), lines
    status = dict(line.split(":\t") for line in run.text(1).splitlines())
    assert {status["CapEff"], status["CapBnd"], status["CapPrm"]} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Uid"].split()


def test_system_calls_are_denied(wall: Box) -> None:
    """Namespaces, mounts, tracing and the kernel's large surfaces answer EPERM (THREATS R15)."""
    run = execute(
        wall,
        """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    number = ctypes.get_errno() if result < 0 else 0
    print(name, arguments[0], errno.errorcode.get(number, number))
for flags in (0x10000000, 0x20000, 0x40000000): call('unshare', flags)
call('mount', b'none', b'/tmp', b'tmpfs', 0, None)
call('umount2', b'/tmp', 2)
call('ptrace', 16, os.getppid(), 0, 0)
call('chroot', b'/tmp')
call('setns', 0, 0)
call('syscall', 425, 1, 0)
call('syscall', 321 if os.uname().machine == 'x86_64' else 280, 0, 0, 0)
""",
    )
    assert run.ok
    answers = [line.split()[-1] for line in run.text().splitlines()]
    assert answers == ["EPERM"] * 10, run.text()


def test_no_network(wall: Box) -> None:
    """No route, no host loopback, no names, no abstract sockets of the host, no exotic families (THREATS R12)."""
    run = execute(
        wall,
        _TRY
        + """
import socket
def connect(family, address):
    with socket.socket(family) as s:
        s.settimeout(2)
        s.connect(address)
attempt('route', lambda: connect(socket.AF_INET, ('169.254.169.254', 80)))
attempt('loopback', lambda: connect(socket.AF_INET, ('127.0.0.1', 22)))
attempt('name', lambda: socket.getaddrinfo('example.org', 80))
attempt('abstract', lambda: connect(socket.AF_UNIX, chr(0) + 'codalab_nb/uid/2000000000'))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM))
attempt('packet', lambda: socket.socket(17, socket.SOCK_RAW))
""",
    )
    assert [line.split()[1] for line in run.text().splitlines()] == ["refused"] * 6, run.text()


def test_network_when_asked_for(walled: Warmth, take: Callable[..., Box]) -> None:
    """With network the box shares the host's: its loopback is reachable."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        source = (
            f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)\nprint('through')"
        )
        run = execute(take(walled, network=True), source)
    assert run.text() == "through\n"


@pytest.mark.parametrize("kind", ["walled", "unwalled"])
def test_inputs(kind: str, request: pytest.FixtureRequest, take: Callable[..., Box], tmp_path: Path) -> None:
    """Inputs are readable under their names, and nothing a task does to them reaches the host's files."""
    pool: Warmth = request.getfixturevalue(kind)
    source = tmp_path / "blob"
    source.write_text("GOOD")
    source.chmod(0o644)
    private = tmp_path / "private"
    private.write_text("PRIVATE")
    private.chmod(0o600)
    box = take(pool)
    box.place([(source, "inputs/data.csv"), (private, "inputs/sub/private.csv")])
    run = execute(
        box,
        _TRY
        + """
import os
print(open('inputs/data.csv').read(), open('inputs/sub/private.csv').read())
for name in ('inputs/data.csv', 'inputs/sub/private.csv'):
    attempt('chmod', lambda: os.chmod(name, 0o666))
    attempt('write', lambda: open(name, 'w').write('POISON'))
    attempt('truncate', lambda: os.truncate(name, 0))
    attempt('unlink', lambda: os.unlink(name))
open('inputs/new.txt', 'w').write('the folder itself belongs to the task')
""",
    )
    assert run.text().splitlines()[0] == "GOOD PRIVATE"
    assert run.ok
    assert (source.read_text(), private.read_text()) == ("GOOD", "PRIVATE")
    assert (source.stat().st_mode & 0o777, private.stat().st_mode & 0o777) == (0o644, 0o600)
    assert source.stat().st_nlink == 1
    if pool.sandbox == "bubblewrap":
        assert run.text().count("refused") >= 4
        # As root the task is another user, who could not read a mounted private file: that one is a copy.
        assert box.inputs_by == ("copy" if os.getuid() == 0 else "mount")
    else:
        assert box.inputs_by == "copy"


def test_many_inputs_in_one_go(wall: Box, tmp_path: Path) -> None:
    """Several hundred inputs are placed in one request (more than one batch of descriptors)."""
    pairs = []
    for number in range(600):
        (tmp_path / str(number)).write_text(str(number))
        (tmp_path / str(number)).chmod(0o644)
        pairs.append((tmp_path / str(number), f"inputs/{number % 7}/{number}.txt"))
    wall.place(pairs)
    run = execute(wall, "import glob\nprint(sum(int(open(p).read()) for p in glob.glob('inputs/*/*.txt')))")
    assert run.text().strip() == str(sum(range(600)))
    assert wall.inputs_by == "mount"
    assert len(wall.inputs) == 600


def test_place_refuses_tricks(wall: Box, tmp_path: Path) -> None:
    """A name taken twice, a link in the way, a missing source: an error, and nothing outside is touched."""
    source = tmp_path / "blob"
    source.write_text("x")
    wall.place([(source, "a.txt")])
    with pytest.raises(FileExistsError):
        wall.place([(source, "a.txt")])
    with pytest.raises(FileNotFoundError):
        wall.place([(tmp_path / "missing", "b.txt")])
    (wall.folder / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        wall.place([(source, "link/c.txt")])
    assert not (tmp_path / "c.txt").exists()


def test_daemon_is_gone_after_kill(box: Box) -> None:
    """A child with a session of its own does not outlive the box (THREATS R5)."""
    run = execute(
        box,
        """
import os, time
name = f'daemon-{os.getpid()}'
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('/proc/self/comm', 'w').write('cnb-daemon')
        while True:
            open('alive', 'a').write('x')
            time.sleep(0.01)
    os._exit(0)
while not os.path.exists('alive'):
    time.sleep(0.01)
""",
    )
    assert run.ok
    assert not [process for process in psutil.process_iter(["name"]) if process.info["name"] == "cnb-daemon"]


def test_killing_everybody_hits_the_box_only(wall: Box, walled: Warmth, take: Callable[..., Box]) -> None:
    """kill(-1) ends the task, by its own fault: the sandbox stands, and so do its neighbours (THREATS R9)."""
    neighbour = take(walled)
    start(wall, "import os\nos.kill(-1, 9)")
    run = follow(wall)
    assert run.gone or run.code == "kernel_died"
    assert wall.holder_alive()
    assert execute(neighbour, "print('fine')").ok


def test_process_one_cannot_be_killed(wall: Box) -> None:
    """A task cannot make its own failure look like trouble of the worker."""
    run = execute(
        wall, "import os\nfor number in (9, 15, 19):\n    try: os.kill(1, number)\n    except OSError: pass\n1"
    )
    assert run.ok


def test_the_runner_is_out_of_reach(wall: Box) -> None:
    """A task cannot open its runner's memory or descriptors to forge lines."""
    run = execute(
        wall,
        _TRY
        + """
import os
runner = os.getppid()
attempt('memory', lambda: open(f'/proc/{runner}/mem', 'r+b'))
attempt('descriptors', lambda: os.listdir(f'/proc/{runner}/fd'))
""",
    )
    assert [line.split()[1] for line in run.text().splitlines()] == ["refused"] * 2, run.text()


def test_closing_every_descriptor(box: Box) -> None:
    """A task that closes all it has ends itself, in finite time."""
    run = execute(box, "import os\nos.closerange(0, 65536)\nprint('?')", timeout_s=4)
    assert run.code in ("kernel_died", "timeout")


def test_working_folder_removed(box: Box) -> None:
    """rm -rf of the working folder loses the files, not the executed notebook (THREATS R11)."""
    run = execute(box, "import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)\nprint('still here')")
    assert run.ok
    assert run.text() == "still here\n"


def test_hostile_folder_is_removed(wall: Box) -> None:
    """No mode, name, link or depth keeps a scratch folder from being deleted, and no link is followed."""
    outside = wall.folder.parent.parent / "outside.txt"
    outside.write_text("must stay")
    run = execute(
        wall,
        f"""
import os
os.mkfifo('fifo')
os.symlink({str(outside)!r}, 'link')
os.symlink({str(outside.parent)!r}, 'folder-link')
os.makedirs('closed/inner'); open('closed/inner/file', 'w').close(); os.chmod('closed/inner', 0); os.chmod('closed', 0)
open(b'bad-\\xff\\n-name', 'w').close()
for _ in range(3000):
    os.mkdir('d'); os.chdir('d')
""",
    )
    assert run.ok, run.reason
    wall.remove()
    assert not wall.folder.exists()
    assert outside.read_text() == "must stay"
    outside.unlink()


def test_two_tasks_have_two_users(walled: Warmth, take: Callable[..., Box]) -> None:
    """As root, each box has a user of its own; as an ordinary user, it is that one."""
    users = {execute(take(walled), "import os\nprint(os.getuid())").text() for _ in range(2)}
    first, second = take(walled), take(walled)
    start(first, "import os\nprint(os.getuid())")
    start(second, "import os\nprint(os.getuid())")
    together = {follow(first).text(), follow(second).text()}
    if os.getuid() == 0:
        assert len(together) == 2
        assert "0\n" not in users | together
    else:
        assert together == {f"{os.getuid()}\n"}


def test_result_of_another_interpreter_is_walled_too(
    walled: Warmth, other_interpreter: Path, take: Callable[..., Box]
) -> None:
    """The second environment can be read and not written."""
    run = execute(take(walled, str(other_interpreter)), "import sys\nopen(sys.prefix + '/x', 'w')")
    assert run.reason["ename"] == "OSError"
    assert sys.prefix != str(other_interpreter.parent.parent)
