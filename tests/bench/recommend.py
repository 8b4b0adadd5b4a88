"""How good recommendations are: mean regret after 1, 3 and 5 runs on a data set whose family was left out.

    python -m tests.bench.recommend [--folds N]

Regret: the best score on the data set less the best of the runs recommended, in points of balanced accuracy. Beside
ours: random order (its mean), best on average, one nearest data set (as PennAI), 25 nearest (as auto-sklearn 1.0), and
the static greedy portfolio (as auto-sklearn 2.0). Ours sees the scores of the runs already made, as it does in use. How
data sets are weighted is chosen by a check on the other data sets only, once for each of ten groups of families.
"""

from __future__ import annotations

import argparse
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from codalab_nb.systematic.evidence import Evidence, Floats
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.recommend import Recommender, tried
from codalab_nb.systematic.similarity import Similarity

DATA = Path(__file__).parents[1] / "data" / "metalearning"
RUNS = 5
GROUPS = 10
# Names by which data sets of PMLB are known to be made from one another.
FAMILIES = re.compile(
    r"GAMETES|Hill_Valley|analcatdata|monk|mfeat|solar.flare|breast|car\b|car-|waveform|cleve|heart|led|hypothyroid|ann-thyroid"
    r"|all(?=bp|h|rep)|dis$|colic|horse|house-votes|vote$|australian|buggyCrx|crx|credit-a|german|credit-g|wine-quality|parity5"
)  # fmt: skip

Order = Callable[[Evidence, Floats, Floats], Floats]  # known, features, scores of the new one → (RUNS,) regrets


def evidence(scores: pd.DataFrame, features: Floats, families: list[str]) -> Evidence:
    names = tuple(map(str, scores.index))
    values = scores.to_numpy(dtype=np.float64)
    return Evidence(names, tuple(families), tuple(map(str, scores.columns)), values, np.ones_like(values), features)


def oboe() -> Evidence:
    """418 × 219, no gaps; two meta-features; each data set is a family of its own."""
    errors = pd.read_csv(DATA / "oboe_error_matrix_418x219.csv", index_col=0)
    sizes = pd.read_csv(DATA / "oboe_dataset_sizes.csv", index_col=0).loc[errors.index]
    return evidence(1 - errors, sizes.to_numpy(dtype=np.float64), list(map(str, errors.index)))


def pennai() -> Evidence:
    """155 × 192: configurations run on nine data sets of ten, then data sets with nine configurations of ten."""
    runs = pd.read_csv(DATA / "sklearn-benchmark-data-knowledgebase-r6.tsv.gz", sep="\t")
    runs["configuration"] = runs["algorithm"] + runs["parameters"]
    scores = runs.pivot_table(index="dataset", columns="configuration", values="bal_accuracy", aggfunc="mean")
    scores = scores.loc[:, scores.notna().mean() >= 0.9]
    scores = scores[scores.notna().mean(axis=1) >= 0.9]
    features = pd.read_csv(DATA / "pmlb_classification_metafeatures.csv.gz", index_col=0).loc[scores.index]
    features = features.loc[:, [not str(name).startswith("_") for name in features.columns]].astype(float)
    features = features.loc[:, (features.nunique() > 3) & (features.notna().mean() > 0.9)]
    return evidence(scores, features.to_numpy(), [family(str(name)) for name in scores.index])


def family(name: str) -> str:
    match = FAMILIES.match(name)
    return match[0] if match else re.sub(r"[-_]?\d.*$", "", name) or name


def static(order: Floats, scores: Floats) -> Floats:
    """Regrets when configurations are run in this order, whatever they score."""
    runnable = np.isfinite(scores)
    reached = np.maximum.accumulate([scores[j] for j in order.astype(int) if runnable[j]][:RUNS])
    return np.asarray(scores[runnable].max() - reached)


def at_random(_known: Evidence, _features: Floats, scores: Floats) -> Floats:
    random = np.random.default_rng(0)
    orders = (random.permutation(len(scores)).astype(float) for _ in range(200))
    return np.mean([static(order, scores) for order in orders], axis=0)


def on_average(known: Evidence, _features: Floats, scores: Floats) -> Floats:
    return static(np.argsort(known.regrets().mean(axis=0), kind="stable").astype(float), scores)


def neighbours(count: int) -> Order:
    """The best configurations of the nearest data sets, nearest first (min-max scaled features, L1)."""

    def order(known: Evidence, features: Floats, scores: Floats) -> Floats:
        table = np.vstack([known.features, features])
        low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
        table = np.nan_to_num((table - low) / np.where(high > low, high - low, 1), nan=0.5)
        near = np.argsort(np.abs(table[:-1] - table[-1]).sum(axis=1), kind="stable")[:count]
        regrets = known.regrets()[near]
        first = list(dict.fromkeys(regrets.argmin(axis=1))) if count > 1 else []
        rest = [j for j in np.argsort(regrets.mean(axis=0), kind="stable") if j not in first]
        return static(np.array([*first, *rest], dtype=float), scores)

    return order


def portfolio(known: Evidence, _features: Floats, scores: Floats) -> Floats:
    prior = np.full(len(known), 1 / len(known))
    return static(np.array(Portfolio(known).order(prior, {}, len(scores)), dtype=float)[:60], scores)


PEERS: dict[str, Order] = {
    "random": at_random, "best on average": on_average, "1-NN": neighbours(1), "kNN-25": neighbours(25),
    "portfolio": portfolio,
}  # fmt: skip


def parts_of(families: tuple[str, ...], count: int, seed: int = 0) -> np.ndarray:
    """The part of each data set; families stay together. `count` 0: each family is a part."""
    names = sorted(set(families))
    number = np.random.default_rng(seed).permutation(len(names)) % (count or len(names))
    part = dict(zip(names, number, strict=True))
    return np.array([part[name] for name in families])


def measure(whole: Evidence, folds: int) -> dict[str, Floats]:
    """Name → (n, RUNS) regrets."""
    found = {name: np.zeros((len(whole), RUNS)) for name in (*PEERS, "ours")}
    groups = parts_of(whole.families, GROUPS)
    ways = [Recommender(whole.only(groups != group)).way for group in range(GROUPS)]
    print("   weighting chosen:", ", ".join(f"{way} ({ways.count(way)})" for way in dict.fromkeys(ways)))
    parts = parts_of(whole.families, folds)
    for number in np.unique(parts):
        known = whole.only(parts != number)
        similar: dict[str, Similarity] = {}
        ours = Portfolio(known)
        for row in np.flatnonzero(parts == number):
            way = ways[groups[row]]
            similarity = similar.setdefault(way, Similarity(known, way))
            features, scores = whole.features[row], whole.scores[row]
            found["ours"][row] = tried(ours, similarity.weights(features), scores, RUNS)
            for name, peer in PEERS.items():
                found[name][row] = peer(known, features, scores)
    return found


def against(base: Floats, ours: Floats, families: tuple[str, ...]) -> str:
    """Mean gain over `base` and its 95 % interval, bootstrap over families."""
    names = sorted(set(families))
    gain = np.array([(base - ours)[[f == name for f in families]].mean() for name in names])
    random = np.random.default_rng(0)
    means = [random.choice(gain, len(gain)).mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folds", type=int, default=0, help="parts of families to leave out; 0: each family by itself")
    folds = parser.parse_args().folds
    warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is unknown everywhere has no minimum
    for name, whole in (("OBOE 418 × 219", oboe()), ("PennAI configurations 155 × 192", pennai())):
        began = time.perf_counter()
        print(f"{name}, {len(set(whole.families))} families, {whole.features.shape[1]} meta-features")
        found = measure(whole, folds)
        print(f"   {'mean regret after':24} 1 run    3        5")
        for method, regrets in found.items():
            print(f"   {method:24}", *(f"{regrets[:, k - 1].mean():.4f}  " for k in (1, 3, 5)))
        for k in (1, 3, 5):
            base = found["best on average" if k == 1 else "portfolio"][:, k - 1]
            told = "best on average" if k == 1 else "portfolio"
            print(f"   gain over {told} at {k}: {against(base, found['ours'][:, k - 1], whole.families)}")
        print(f"   ({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
