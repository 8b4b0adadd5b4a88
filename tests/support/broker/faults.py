"""What goes wrong on purpose. Numbers count down: `busy = 2` spoils the next two, then all is well again."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Faults:
    busy: int = 0  # sends and management requests refused with server-busy (50009)
    busy_attach: int = 0  # links refused with server-busy
    swallow_management: int = 0  # management requests done, their replies lost
    swallow_sends: int = 0  # sends stored, their outcomes lost
    refuse_settle: int = 0  # settlements refused although the lock is good
    duplicate: int = 0  # messages that are delivered once more, to whoever asks
    drop_locks_with_link: bool = False  # a lost link loses the locks it held, at once
    # A link without any transfer or settlement for so long is detached, as the service does after ten minutes.
    idle_detach_s: float = 600.0

    def take(self, name: str) -> bool:
        """Whether the fault `name` happens now; one less is left."""
        left = getattr(self, name)
        if left <= 0:
            return False
        setattr(self, name, left - 1)
        return True

    def change(self, values: dict[str, float]) -> None:
        """Sets faults by name, as the command line and the admin endpoint give them. Raises ValueError."""
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"no such fault: {', '.join(unknown)} (there are: {', '.join(sorted(known))})")
        for name, value in values.items():
            setattr(self, name, type(getattr(self, name))(value))
