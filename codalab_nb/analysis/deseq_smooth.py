"""Local regression, in the two forms that R's `loess` and `lowess` have by default: their choices enter R's results.

Cleveland WS (1979), Robust locally weighted regression and smoothing scatterplots, J Am Stat Assoc 74:829-836.
Cleveland WS, Grosse E (1991), Computational methods for local regression, Statistics and Computing 1:47-62.
x is sorted and has no ties.
"""

from __future__ import annotations

import numpy as np
from scipy import interpolate

from codalab_nb.analysis.deseq_fit import Floats


def loess(x: Floats, y: Floats, at: Floats, span: float) -> Floats:
    """Local parabolas at a few points (cells of span / 5 of all), cubics with their values and slopes in between."""
    most_in_cell = int(len(x) * span * 0.2)

    def cuts(first: int, last: int) -> list[float]:
        if last - first < most_in_cell:
            return []
        middle = (first + last) // 2
        return [*cuts(first, middle), float(x[middle]), *cuts(middle + 1, last)]

    margin = 0.005 * (x[-1] - x[0])
    vertices = np.array([x[0] - margin, *cuts(0, len(x) - 1), x[-1] + margin])
    every = np.ones_like(x)
    fitted = np.array([_local(x, y, vertex, int(len(x) * span), 2, every) for vertex in vertices])
    return np.asarray(interpolate.CubicHermiteSpline(vertices, fitted[:, 0], fitted[:, 1])(at))


def lowess(x: Floats, y: Floats, span: float) -> Floats:
    """Local straight lines at each x, three times again with less weight for points far from the curve."""
    trusted, curve = np.ones_like(x), y
    for _ in range(4):
        curve = np.array([_local(x, y, point, int(len(x) * span + 1e-7), 1, trusted)[0] for point in x])
        residual = np.abs(y - curve)
        typical = 6 * float(np.median(residual))
        if typical < 1e-7 * residual.mean() or typical == 0:
            break
        trusted = np.clip(1 - (residual / typical) ** 2, 0, None) ** 2
    return curve


def _local(x: Floats, y: Floats, point: float, nearest: int, degree: int, trusted: Floats) -> Floats:
    """Coefficients around `point` (value, slope, …) of a polynomial fitted to the `nearest`, weighted by tricube."""
    distance = np.abs(x - point)
    width = np.sort(distance)[nearest - 1]
    weights = np.where(distance < 0.999 * width, 1 - (distance / width) ** 3, 0) ** 3 * trusted
    root = np.sqrt(weights)
    powers = np.vander(x - point, degree + 1, increasing=True)
    return np.asarray(np.linalg.lstsq(powers * root[:, None], y * root, rcond=None)[0])
