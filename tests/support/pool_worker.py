"""A worker of a pool, as a process of its own: `python -m tests.support.pool_worker INVITE SCRATCH`.

Says `serving` when it has told that it is there; ends when its standard input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from codalab_nb import settings, wiring
from codalab_nb._version import __version__
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import SIGN_LIFE_S, Invite, WorkerSign
from codalab_worker.staging import process_name
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth


def main(invite: Path, scratch: Path) -> None:
    joined = Invite.model_validate_json(invite.read_bytes())
    side = wiring.worker_side(joined, scratch / "cache")
    config = settings.load({"CODALAB_NB_HOME": str(scratch), "CODALAB_NB_SLOTS": "1", "CODALAB_NB_WARM": "1"})
    config = config.model_copy(update={"heartbeat": side.heartbeat_s})
    warmth = Warmth(scratch / "boxes", sandbox=config.sandbox, ready=config.warm, mask=scratch)
    warmth.warm(sys.executable)
    supervisor = Supervisor(side.tasks, side.open_attempt, side.responses, warmth, config)
    supervisor.start()
    sign = WorkerSign(
        worker=process_name(),
        invite=joined.id,
        program=__version__,
        sandbox=warmth.sandbox,
        kernels=("python3",),
        slots=1,
        since=utc_now(),
        at=utc_now(),
    )
    side.responses.send(sign.worker, sign.to_bytes(), life_s=SIGN_LIFE_S)
    print("serving", flush=True)
    sys.stdin.read()
    supervisor.drain(lambda: 10.0)
    side.close()
    warmth.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
