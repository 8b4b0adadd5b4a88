"""`python -m tests.model [word …]`: the large mixes (those whose names contain every word), then all mutants.

Ends with 1 if the design breaks an invariant, or a mutant does not break its own.
"""

import sys

from .checker import check
from .mixes import LARGE, MUTANTS
from .state import Mix


def main(words: list[str]) -> int:
    bad = 0
    for name, mix in LARGE.items():
        if not all(word in name for word in words):
            continue
        report = check(mix)
        bad += report.violation is not None
        print(f"{'BROKEN' if report.violation else 'holds '}  {name}: {report}", flush=True)
        if report.violation:
            print(f"        {report.violation}", flush=True)
    for broken in MUTANTS:
        violation = check(Mix(broken.budget, mutant=broken.mutant)).violation
        caught = violation is not None and violation.invariant == broken.invariant
        bad += not caught
        print(f"{'caught' if caught else 'MISSED'}  {broken.mutant}: {violation}", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
