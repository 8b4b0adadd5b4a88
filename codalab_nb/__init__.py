"""codalab_nb: pick data sets and analysis methods, run notebooks on workers, get one verdict each."""

from codalab_nb._version import __version__

__all__ = ["__version__"]
