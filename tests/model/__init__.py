"""An explicit-state check of the task protocol: every order of steps and faults, for one task, within a fault budget.

Tests of the real code sample a few interleavings; here all of them are walked, so a hole in the protocol itself cannot
hide behind luck. `python -m tests.model` walks the large mixes; the test suite walks small ones and proves that the
checker bites.

Not modelled: time (a back-off or a deadline is just a step that may come), power loss, damaged storage, several tasks.
"""
