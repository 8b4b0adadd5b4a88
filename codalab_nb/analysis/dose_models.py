"""Curves of a response over a dose, their least-squares fits, and how sure a fit is.

Michaelis L, Menten ML (1913) Biochem Z 49:333; four parameters: Sebaugh JL (2011) Pharm Stat 10:128; errors by the
linear approximation of Bates DM, Watts DG (1988) Nonlinear Regression Analysis, as R's `nls` reports them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.variables import p_words

# An interval of the half-effect dose that spans more than this factor says nothing: among the doses, and beyond them.
HOPELESS, HOPELESS_OUTSIDE = 1e6, 100.0
# A curve against a flat line: from this p on other doses would not help. Less than 0.05, as a bend that was searched
# for also fits noise.
FLAT = 0.01

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A curve. half: the place of the parameter that is the dose of half the effect (kept as its logarithm)."""

    name: str
    title: str
    names: tuple[str, ...]
    half: int
    curve: Callable[[Floats, Floats], Floats]
    start: Callable[[Floats, Floats], list[Floats]]


@dataclass(frozen=True)
class Fit:
    """estimates, errors, low, high: by parameter name, in the units of the data (standard errors; 95 % limits).

    `inside`: whether the half-effect dose lies between the smallest and the largest dose. parameters and covariance
    are those of the optimiser (half-effect dose as natural logarithm). rss: residual sum of squares. effect_p: of the
    curve against one mean for all doses (F test): large where the dose does nothing.
    """

    model: Model
    parameters: Floats
    covariance: Floats
    rss: float
    df: int
    estimates: dict[str, float]
    errors: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    inside: bool
    effect_p: float

    def predict(self, doses: Floats) -> Floats:
        return self.model.curve(doses, self.parameters)

    def band(self, doses: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
        """Confidence limits of the curve (of the mean response, not of single values)."""
        slope = _jacobian(self.model, doses, self.parameters)
        error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slope, self.covariance, slope), 0))
        reach = float(stats.t.ppf((1 + level) / 2, self.df)) * error
        middle = self.predict(doses)
        return middle - reach, middle + reach

    @property
    def aicc(self) -> float:
        """Akaike's criterion for small samples (Hurvich CM, Tsai CL (1989) Biometrika 76:297); +inf if too few."""
        n, k = self.df + len(self.parameters), len(self.parameters) + 1
        if n - k - 1 <= 0:
            return float("inf")
        return n * float(np.log(max(self.rss, 1e-300) / n)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _michaelis_menten(doses: Floats, parameters: Floats) -> Floats:
    top, log_k = parameters
    return np.asarray(top * doses / (np.exp(log_k) + doses))


def _hill(doses: Floats, parameters: Floats) -> Floats:
    """Response at dose 0 → response at infinite dose; the slope is positive, so up and down are told by the two."""
    at_zero, at_infinity, log_ec50, log_slope = parameters
    with np.errstate(divide="ignore"):
        logs = np.where(doses > 0, np.log(np.maximum(doses, 1e-300)), -np.inf)
    steps = np.exp(log_slope) * (logs - log_ec50)
    return np.asarray(at_zero + (at_infinity - at_zero) / (1 + np.exp(-np.clip(steps, -700, 700))))


def _start_michaelis_menten(doses: Floats, response: Floats) -> list[Floats]:
    top = float(response[np.argmax(np.abs(response))]) or 1.0
    positive = doses[doses > 0]
    return [np.array([1.1 * top, np.log(guess)]) for guess in np.quantile(positive, [0.25, 0.5, 0.8])]


def _start_hill(doses: Floats, response: Floats) -> list[Floats]:
    means = {dose: float(response[doses == dose].mean()) for dose in np.unique(doses)}
    ordered = sorted(means)
    first, last = means[ordered[0]], means[ordered[-1]]
    positive = np.log(doses[doses > 0])
    return [
        np.array([first, last, middle, np.log(slope)])
        for middle in np.quantile(np.unique(positive), [0.3, 0.5, 0.7])
        for slope in (0.7, 1.5)
    ]


MODELS = {
    "michaelis-menten": Model(
        "michaelis-menten", "Michaelis-Menten", ("Vmax", "Km"), 1, _michaelis_menten, _start_michaelis_menten
    ),
    "4pl": Model(
        "4pl", "four-parameter logistic", ("at_zero", "at_infinity", "EC50", "slope"), 2, _hill, _start_hill
    ),
}  # fmt: skip
_LOGS = {"michaelis-menten": (1,), "4pl": (2, 3)}  # parameters kept as logarithms, so that they stay positive


def fit(model: Model, doses: Floats, response: Floats) -> Fit:
    """Least squares from several starts, the best kept. Raises AnalysisError in words where no curve can be found."""
    n, k = len(doses), len(model.names)
    if n <= k:
        raise AnalysisError(f"{n} values are too few for {model.title} with its {k} parameters; measure more doses.")
    scale = float(np.ptp(response))
    if scale <= 1e-12 * max(1e-300, float(np.abs(response).max())):
        raise AnalysisError("All responses are equal: there is no effect of the dose to describe by a curve.")
    best: tuple[float, Floats] | None = None
    for start in model.start(doses, response):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # far-off steps overflow and are then rejected
                found = optimize.least_squares(
                    lambda p: (model.curve(doses, p) - response) / scale, start, method="lm", max_nfev=500
                )
        except ValueError:  # a step out of all bounds
            continue
        if np.isfinite(found.cost) and (best is None or found.cost < best[0] * (1 - 1e-9)):
            best = (float(found.cost), np.asarray(found.x, dtype=np.float64))
    if best is None:
        raise AnalysisError(f"No {model.title} curve fits these values. Look at the dots, or choose another model.")
    parameters = best[1]
    rss = float(((model.curve(doses, parameters) - response) ** 2).sum())
    total = float(((response - response.mean()) ** 2).sum())
    f = max(0.0, total - rss) / (k - 1) / max(rss / (n - k), 1e-300)
    effect_p = float(stats.f.sf(f, k - 1, n - k))
    slope = _jacobian(model, doses, parameters)
    weight = np.maximum(np.linalg.norm(slope, axis=0), 1e-300)
    scaled = slope / weight
    if np.linalg.cond(scaled) > 1e7:
        raise AnalysisError(_undetermined(model, doses, parameters, effect_p))
    covariance = np.linalg.inv(scaled.T @ scaled) / np.outer(weight, weight) * rss / (n - k)
    result = _told(model, doses, parameters, covariance, rss, n - k, effect_p)
    half = model.names[model.half]
    if result.high[half] > (HOPELESS if result.inside else HOPELESS_OUTSIDE) * result.low[half]:
        raise AnalysisError(_undetermined(model, doses, parameters, effect_p))
    return result


def _told(
    model: Model, doses: Floats, parameters: Floats, covariance: Floats, rss: float, df: int, effect_p: float
) -> Fit:
    logs = _LOGS[model.name]
    error = np.sqrt(np.diag(covariance))
    reach = float(stats.t.ppf(0.975, df)) * error
    estimates, errors, low, high = {}, {}, {}, {}
    for place, name in enumerate(model.names):
        value = float(parameters[place])
        ends = value - float(reach[place]), value + float(reach[place])
        if place in logs:  # the limits are made on the log scale: they stay positive, and are not symmetric
            estimates[name] = float(np.exp(value))
            errors[name] = float(np.exp(value) * error[place])
            ends = float(np.exp(np.clip(ends[0], -700, 700))), float(np.exp(np.clip(ends[1], -700, 700)))
        else:
            estimates[name], errors[name] = value, float(error[place])
        low[name], high[name] = ends
    half = float(np.exp(parameters[model.half]))
    inside = float(doses[doses > 0].min()) <= half <= float(doses.max())
    return Fit(model, parameters, covariance, rss, df, estimates, errors, low, high, inside, effect_p)


def _undetermined(model: Model, doses: Floats, parameters: Floats, effect_p: float) -> str:
    half = model.names[model.half]
    if effect_p >= FLAT:
        return (
            f"No clear effect of the dose: a flat line describes these values about as well as a curve "
            f"({p_words(effect_p)}), so there is no {half} to tell."
        )
    where = float(np.exp(np.clip(parameters[model.half], -700, 700)))
    if where > doses.max():
        why = "the response has not levelled off at the highest dose; measure higher doses"
    elif where < doses[doses > 0].min():
        why = "the response has levelled off already at the lowest dose; measure lower doses"
    else:
        why = "the values do not show enough of the curve; measure more doses around its bend"
    simpler = " A simpler model may do." if model.name == "4pl" else ""
    return f"The {half} cannot be told from these values: {why}.{simpler}"


def _jacobian(model: Model, doses: Floats, parameters: Floats) -> Floats:
    """Derivatives of the curve by each parameter (central differences); doses × parameters."""
    columns = []
    for place in range(len(parameters)):
        step = np.zeros(len(parameters))
        step[place] = 6e-6 * max(1.0, abs(float(parameters[place])))
        columns.append(
            (model.curve(doses, parameters + step) - model.curve(doses, parameters - step)) / (2 * step[place])
        )
    return np.column_stack(columns)
