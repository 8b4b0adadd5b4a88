"""Does the sandbox work on this machine? Found out by building and entering one, never by guessing.

python -m codalab_worker.sandboxes.probing      prints the cause, or nothing when it works
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from codalab_worker import namespaces, seccomp
from codalab_worker.sandboxes import bubblewrap, entering, killing
from codalab_worker.sandboxes.placing import in_child
from codalab_worker.sandboxes.visible import Visible


def why_not(timeout_s: float = 30) -> str | None:
    """None when a box can be built and entered here; else the cause in words, with what to do about it.

    Runs in a process of its own: entering a user namespace needs a process with one thread.
    """
    if sys.platform != "linux":
        return "The sandbox needs Linux namespaces, and this is not Linux."
    if bubblewrap.find() is None:
        return "bubblewrap is not installed. Install it: sudo apt install bubblewrap (or with dnf, pacman, zypper)."
    if not seccomp.supported():
        return f"There is no system call filter for {os.uname().machine} (only for {', '.join(seccomp.MACHINES)})."
    try:
        probe = subprocess.run(
            [sys.executable, "-P", "-m", "codalab_worker.sandboxes.probing"],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return f"A trial sandbox was not ready after {timeout_s:.0f} s."
    complaint = probe.stdout.strip() or (probe.stderr.strip()[-500:] if probe.returncode else "")
    return explain(complaint) if complaint else None


def explain(complaint: str) -> str:
    """Adds the likely cause and a fix to what bubblewrap or the kernel said."""
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    switched_off = Path("/proc/sys/kernel/unprivileged_userns_clone")
    if restricted.exists() and restricted.read_text().strip() == "1":
        return (
            f"AppArmor denies bubblewrap its user namespace ({complaint}). Install the AppArmor profile that "
            "codalab-worker ships (see `codalab-worker doctor`), or the one of your distribution for bwrap."
        )
    if switched_off.exists() and switched_off.read_text().strip() == "0":
        return (
            f"This system does not allow user namespaces ({complaint}). "
            "Allow them: sudo sysctl kernel.unprivileged_userns_clone=1"
        )
    if "uid map" in complaint or "namespace" in complaint.lower() or "Operation not permitted" in complaint:
        return (
            f"The kernel refused the sandbox's namespaces ({complaint}). In a container, start it with "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined, or run the worker outside of it."
        )
    return f"bubblewrap could not build a sandbox: {complaint}."


def _try_one() -> None:
    as_root = os.geteuid() == 0
    bwrap = bubblewrap.find()
    assert bwrap is not None, "looked for before this process was started"
    with tempfile.TemporaryDirectory() as folder:
        recipe = bubblewrap.Recipe(
            folder=folder,
            visible=Visible((), (), (), ()),
            uid=65534 if as_root else os.getuid(),
            as_root=as_root,
            lock_user_namespaces=bubblewrap.can_lock_user_namespaces(bwrap),
        )
        holder = bubblewrap.start(bwrap, recipe)
        try:
            in_child(lambda: _enter(holder.pid, recipe))
        finally:
            killing.kill_namespace(holder.pidfd)
            holder.process.wait()
            holder.close()


def _enter(pid: int, recipe: bubblewrap.Recipe) -> None:
    entering.enter_namespaces(pid, as_root=recipe.as_root)
    in_child(lambda: _give_up(recipe))


def _give_up(recipe: bubblewrap.Recipe) -> None:
    if recipe.as_root:
        entering.become_nobody(recipe.uid)
    else:
        namespaces.drop_bounding_set()
    entering.give_up_rights()
    if not Path(bubblewrap.TASK).is_dir() or Path("/root").exists():
        raise OSError("the box does not show what it should")


if __name__ == "__main__":
    try:
        _try_one()
    except (OSError, bubblewrap.SandboxFailed) as error:
        print(error)  # noqa: T201 - the answer of this little program
        sys.exit(1)
