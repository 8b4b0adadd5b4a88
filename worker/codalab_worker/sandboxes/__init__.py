"""How a box is walled in: bubblewrap builds it, a forked child enters it, inputs are mounted into it.

visible.py     which host paths a box may see (pure)
bubblewrap.py  the bwrap command, and starting it
entering.py    a forked child becomes the sandboxed process, step by step
placing.py     inputs into a running box
killing.py     the end of a box, walled or not
probing.py     does it work on this machine, and if not, why
"""
