"""The bwrap command, without running it."""

from __future__ import annotations

from codalab_worker.sandboxes.bubblewrap import Recipe, arguments
from codalab_worker.sandboxes.visible import Visible

_VISIBLE = Visible(("/opt/a/env",), ("/opt/a/env/secret",), ("/opt/a/env/secret/venv",), ())


def _words(**changes: object) -> list[str]:
    recipe = Recipe(folder="/scratch/task", visible=_VISIBLE, uid=1000, **{"as_root": False, **changes})  # type: ignore[arg-type]
    return arguments(recipe, info_fd=7, passwd_fd=8, group_fd=9)


def test_walls() -> None:
    """All namespaces, no rights, no environment, and death with the parent, for both kinds of user."""
    user, root = _words(lock_user_namespaces=True), _words(as_root=True)
    for words in (user, root):
        assert {"--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop"} <= set(words)
    assert {"--unshare-all", "--unshare-user", "--disable-userns"} <= set(user)
    assert "--share-net" not in user
    assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"} <= set(root)
    assert "--disable-userns" not in root


def test_network() -> None:
    """The host's network, and what names and certificates need, only when asked for."""
    assert "--share-net" in _words(network=True)
    assert "--unshare-net" not in _words(as_root=True, network=True)
    assert "/etc/resolv.conf" in _words(network=True)
    assert "/etc/resolv.conf" not in _words()


def test_order() -> None:
    """Hidden folders cover what was bound before; only the task's folder is writable; the root closes last."""
    words = _words()
    env, hidden = words.index("/opt/a/env"), words.index("/opt/a/env/secret")
    again = words.index("/opt/a/env/secret/venv")
    assert env < hidden < again
    assert words.index("/tmp") < env
    assert words[words.index("/scratch/task") - 1] == "--bind"
    assert words.count("--bind") == 1
    assert words.index("/scratch/task") < len(words) - 1 - words[::-1].index("--remount-ro")


def test_parents_can_be_passed() -> None:
    """bwrap would make the folders above a bound one for root only."""
    words = _words(as_root=True)
    made = [words[i + 3] for i, word in enumerate(words) if word == "--perms" and words[i + 2] == "--dir"]
    assert made[:2] == ["/opt", "/opt/a"]
