"""A forked child becomes the sandboxed process: into the namespaces, out of every right and descriptor.

Called in a child of the zygote, which must have one thread (setns into a user namespace is refused otherwise).
Nothing of the task runs before the last step.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Mapping
from pathlib import Path

from codalab_worker import namespaces, seccomp

_KINDS = ("pid", "net", "ipc", "uts", "cgroup", "mnt")  # the mount namespace last: /proc is ours until then


def enter_namespaces(pid: int, *, as_root: bool) -> None:
    """Joins every namespace of process `pid` that is not ours already. The pid namespace holds from the next fork.

    An ordinary user goes by the user namespace that owns the others (bubblewrap nests a second one inside) and
    ends in the innermost one, where the sandboxed process lives.
    """
    opened: list[int] = []

    def namespace(kind: str) -> int | None:
        theirs, ours = Path(f"/proc/{pid}/ns/{kind}"), Path(f"/proc/self/ns/{kind}")
        if not theirs.exists() or theirs.stat().st_ino == ours.stat().st_ino:
            return None  # not in this kernel, or shared with the host on purpose (network)
        opened.append(os.open(theirs, os.O_RDONLY | os.O_CLOEXEC))
        return opened[-1]

    targets = [fd for kind in _KINDS if (fd := namespace(kind)) is not None]
    if not as_root:
        innermost = namespace("user")
        owner = namespaces.owner_of(targets[-1])
        opened.append(owner)
        namespaces.setns(owner)
        for fd in targets:
            namespaces.setns(fd)
        if innermost is not None and os.fstat(innermost).st_ino != os.fstat(owner).st_ino:
            namespaces.setns(innermost)
    else:
        for fd in targets:
            namespaces.setns(fd)
    for fd in opened:
        os.close(fd)


def enter_mounts(pid: int, *, as_root: bool) -> None:
    """Joins the mount namespace of process `pid` with the right to mount there, which the innermost user has not."""
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if not as_root:
        owner = namespaces.owner_of(mounts)
        namespaces.setns(owner)
        os.close(owner)
    namespaces.setns(mounts)
    os.close(mounts)


def keep_only(keep: int) -> int:
    """Closes every descriptor but `keep`, which becomes 3, with /dev/null as 0, 1 and 2. Returns 3.

    A descriptor of a host folder would be a door out of the sandbox. Needs the host's or the box's /proc.
    """
    if keep != 3:
        os.dup2(keep, 3, inheritable=False)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd, inheritable=True)
    for entry in list(Path("/proc/self/fd").iterdir()):
        if int(entry.name) > 3:
            with contextlib.suppress(OSError):  # the descriptor of this very listing
                os.close(int(entry.name))
    return 3


def become_nobody(uid: int) -> None:
    """Root's way out: no groups, `uid` for good. The capabilities go with it."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    namespaces.drop_bounding_set()
    os.setresuid(uid, uid, uid)
    # A change of user makes /proc/self belong to root; a task may look at itself.
    namespaces.set_dumpable(True)


def give_up_rights() -> None:
    namespaces.no_new_privileges()
    namespaces.drop_capabilities()
    seccomp.install()


def set_first_limits() -> None:
    """Limits that hold before the job and its own limits are known."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with contextlib.suppress(OSError):  # Linux: when memory runs out, the task goes first
        Path("/proc/self/oom_score_adj").write_text("1000")


def set_environment(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def environment(prefix: str, temporary: str) -> dict[str, str]:
    """All that a task inherits. MPLBACKEND is left out: it would replace the inline backend of the notebook."""
    home = f"{temporary}/home"
    return {
        "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "JUPYTER_RUNTIME_DIR": f"{home}/.jupyter",
        "LANG": "C.UTF-8",
        "USER": "task",
        "CODALAB_INSIDE_TASK": "1",  # a site of its own in here would be gone with the task
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
