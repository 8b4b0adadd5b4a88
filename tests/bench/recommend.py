"""How good recommendations are: mean regret after 1, 3 and 5 runs on a data set whose family was left out.

    python -m tests.bench.recommend [bars] [others] [speed] [--folds N]

Regret: the best score on the data set less the best of the runs recommended, in points of balanced accuracy. Beside
ours: random order (its mean), best on average, one nearest data set (as PennAI), 25 nearest (as auto-sklearn 1.0), and
the static greedy portfolio (as auto-sklearn 2.0). Ours sees the scores of the runs already made, as it does in use, and
chooses how data sets are weighted by a check on the other data sets only, anew for each family that is left out.

bars: the two matrices of which goals were set. others: matrices made from them to find out where recommendations do
harm: few data sets, few configurations, gaps, meta-features that tell nothing, at all sizes. speed: 10,000 data sets.
"""

from __future__ import annotations

import argparse
import re
import resource
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from codalab_nb.systematic.evidence import Evidence, Floats
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.recommend import Recommender
from codalab_nb.systematic.similarity import WAYS

DATA = Path(__file__).parents[1] / "data" / "metalearning"
RUNS = 5
GOALS = {"OBOE": (0.037, 0.0165, 0.0118), "PennAI": (0.039, 0.0210, 0.0166)}  # after 1, 3 and 5 runs
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
    return described(scores)


def algorithms() -> Evidence:
    """164 × 6: each algorithm of PennAI with the best of its settings, which flatters all of them."""
    runs = pd.read_csv(DATA / "sklearn-benchmark-data-knowledgebase-r6.tsv.gz", sep="\t")
    scores = runs.pivot_table(index="dataset", columns="algorithm", values="bal_accuracy", aggfunc="max").dropna()
    return described(scores)


def described(scores: pd.DataFrame) -> Evidence:
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
    return np.asarray(np.mean([static(order, scores) for order in orders], axis=0))


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


@dataclass
class Told:
    """What following the recommendations on held-out data sets showed."""

    families: list[str]
    regrets: dict[str, Floats]  # (n, RUNS)
    ways: Counter[str]
    inside: list[bool]  # was the score between `low` and `high`?


def followed(recommender: Recommender, features: Floats, scores: Floats, told: Told) -> Floats:
    """(RUNS,) regrets of who runs, each time, what is recommended next."""
    names = recommender.evidence.configurations
    known = {name: float(score) for name, score in zip(names, scores, strict=True) if np.isfinite(score)}
    seen: dict[str, float] = {}
    regrets = []
    for _ in range(RUNS):
        for pick in recommender.recommend(list(features), seen=seen, allowed=known.keys(), k=1):
            seen[pick.configuration] = known[pick.configuration]
            told.inside.append(pick.low <= known[pick.configuration] <= pick.high)
        regrets.append(max(known.values()) - max(seen.values()))
    return np.array(regrets)


def measure(whole: Evidence, splits: Iterable[tuple[np.ndarray, np.ndarray]], peers: dict[str, Order]) -> Told:
    """splits: (which are known: mask, which are asked for: row numbers)."""
    told = Told([], {}, Counter(), [])
    rows: dict[str, list[Floats]] = {name: [] for name in (*peers, "ours")}
    for mask, asked in splits:
        known = whole.only(mask)
        recommender = Recommender(known)
        told.ways[recommender.way] += 1
        for row in asked:
            features, scores = whole.features[row], whole.scores[row]
            told.families.append(whole.families[row])
            rows["ours"].append(followed(recommender, features, scores, told))
            for name, peer in peers.items():
                rows[name].append(peer(known, features, scores))
    told.regrets = {name: np.array(values) for name, values in rows.items()}
    return told


def left_out(whole: Evidence, folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    parts = parts_of(whole.families, folds)
    for number in np.unique(parts):
        yield parts != number, np.flatnonzero(parts == number)


def few(whole: Evidence, count: int, times: int, asked: int = 60) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Only `count` data sets are known, and `asked` of other families are asked for; drawn anew `times` times."""
    for seed in range(times):
        order = np.random.default_rng(seed).permutation(len(whole))
        mask = np.zeros(len(whole), dtype=bool)
        mask[order[:count]] = True
        there = {whole.families[i] for i in order[:count]}
        yield mask, np.array([i for i in order[count:] if whole.families[i] not in there][:asked])


def against(base: Floats, ours: Floats, families: list[str]) -> tuple[float, float, float]:
    """Mean gain over `base` per data set and its 95 % interval, bootstrap over families."""
    names, of = np.unique(families, return_inverse=True)
    gain, size = np.bincount(of, base - ours), np.bincount(of)
    draws = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    low, high = np.percentile(gain[draws].sum(axis=1) / size[draws].sum(axis=1), [2.5, 97.5])
    return float(gain.sum() / size.sum()), float(low), float(high)


def bars(name: str, whole: Evidence, folds: int) -> None:
    began = time.perf_counter()
    size = f"{len(whole)} × {len(whole.configurations)}"
    print(f"{name} {size}, {len(set(whole.families))} families, {whole.features.shape[1]} meta-features")
    told = measure(whole, left_out(whole, folds), PEERS)
    print("   weighting chosen:", ", ".join(f"{way} ({count})" for way, count in told.ways.items()))
    print(f"   {'mean regret after':24} 1 run    3        5")
    for method, regrets in told.regrets.items():
        print(f"   {method:24}", *(f"{regrets[:, k - 1].mean():.4f}  " for k in (1, 3, 5)))
    print(f"   {'goal':24}", *(f"{goal:.4f}  " for goal in GOALS[name]))
    for k, base in ((1, "best on average"), (3, "portfolio"), (5, "portfolio")):
        gain = against(told.regrets[base][:, k - 1], told.regrets["ours"][:, k - 1], told.families)
        print("   gain over {} at {}: {:+.4f} [{:+.4f}, {:+.4f}]".format(base, k, *gain))
    print(f"   scores inside the 80 % interval: {np.mean(told.inside):.0%}")
    print(f"   ({time.perf_counter() - began:.0f} s)", flush=True)


def others() -> None:
    """One line each: regret at 1 of best on average and ours, the gain and whether it is significant, and at 5."""
    print(f"{'':34} best on average, ours at 1   gain at 1 [95 %]             portfolio, ours at 5   weighting, inside")
    peers = {name: PEERS[name] for name in ("best on average", "portfolio")}
    for name, whole, splits in harder():
        told = measure(whole, splits, peers)
        gain = against(told.regrets["best on average"][:, 0], told.regrets["ours"][:, 0], told.families)
        first = (told.regrets[method][:, 0].mean() for method in ("best on average", "ours"))
        last = (told.regrets[method][:, 4].mean() for method in ("portfolio", "ours"))
        ways = ", ".join(f"{way} {count}" for way, count in sorted(told.ways.items()))
        verdict = "WORSE" if gain[2] < 0 else "better" if gain[1] > 0 else "alike"
        print(f"{name:34}", *(f"{regret:.4f}" for regret in first), end="   ")
        print("{:+.4f} [{:+.4f}, {:+.4f}]".format(*gain), f"{verdict:6}", end="   ")
        print(*(f"{regret:.4f}" for regret in last), f"  {ways}, {np.mean(told.inside):.0%}", flush=True)


def harder() -> Iterator[tuple[str, Evidence, Iterable[tuple[np.ndarray, np.ndarray]]]]:
    """Matrices on which no setting was chosen; what is random has a fixed seed."""
    large, small, six = oboe(), pennai(), algorithms()
    random = np.random.default_rng(7)
    for count, times in ((5, 12), (10, 12), (20, 12), (50, 8), (100, 5)):
        yield f"OBOE, {count} data sets known", large, few(large, count, times)
    for count, times in ((5, 12), (10, 12), (20, 12), (50, 8)):
        yield f"PennAI, {count} data sets known", small, few(small, count, times)
    yield "PennAI 6 algorithms, tuned", six, left_out(six, 20)
    noise = [replace(each, features=random.normal(size=(len(each), 20))) for each in (large, small, six)]
    yield (
        "OBOE 140, noise for features",
        noise[0].only(np.arange(418) % 3 == 0),
        left_out(noise[0].only(np.arange(418) % 3 == 0), 10),
    )
    yield "PennAI, noise for features", noise[1], left_out(noise[1], 10)
    yield "PennAI 6, noise for features", noise[2], left_out(noise[2], 20)
    swapped = replace(six, features=random.permutation(six.features))
    yield "PennAI 6, features of another", swapped, left_out(swapped, 20)
    for number in range(3):
        part = columns(large.only(np.arange(418) % 4 == number), random.choice(219, 30, replace=False))
        part = replace(part, features=np.hstack([part.features, random.normal(size=(len(part), 49))]))
        yield f"OBOE 105 × 30, noise added, {number}", part, left_out(part, 20)
    for number in range(3):
        part = columns(small, random.choice(192, 30, replace=False))
        yield f"PennAI 155 × 30, {number}", part, left_out(part, 20)
    gaps = replace(small, scores=np.where(random.random(small.scores.shape) < 0.7, np.nan, small.scores))
    yield "PennAI, 7 of 10 runs missing", gaps, left_out(gaps, 10)


def columns(whole: Evidence, chosen: np.ndarray) -> Evidence:
    names = tuple(whole.configurations[j] for j in chosen)
    return replace(whole, configurations=names, scores=whole.scores[:, chosen], seconds=whole.seconds[:, chosen])


def speed() -> None:
    random = np.random.default_rng(0)
    n, m = 10_000, 100
    scores = np.where(random.random((n, m)) < 0.7, np.nan, random.normal(size=(n, m)))
    names = tuple(f"d{i}" for i in range(n))
    whole = Evidence(
        names, names, tuple(f"c{j}" for j in range(m)), scores, np.ones_like(scores), random.normal(size=(n, 30))
    )
    began = time.process_time()
    chosen = Recommender(whole)
    print(f"{n} data sets × {m} configurations: fitted in {time.process_time() - began:.1f} s, way {chosen.way}")
    for way in WAYS:
        recommender = Recommender(whole, way=way)
        times = []
        for row in range(30):
            began = time.perf_counter()
            recommender.recommend(list(whole.features[row]), seen={"c3": 1.0, "c5": 0.0})
            times.append(1000 * (time.perf_counter() - began))
        print(f"   {way}: recommendation {np.median(times):.1f} ms (median), {sorted(times)[-2]:.1f} ms (29 of 30)")
    print(f"   memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", choices=["bars", "others", "speed", []], help="nothing: all")
    parser.add_argument("--folds", type=int, default=0, help="parts of families to leave out; 0: each family by itself")
    arguments = parser.parse_args()
    what = arguments.what or ["bars", "others", "speed"]
    warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is unknown everywhere has no minimum
    if "speed" in what:
        speed()
    if "bars" in what:
        bars("PennAI", pennai(), arguments.folds)
        bars("OBOE", oboe(), arguments.folds)
    if "others" in what:
        others()


if __name__ == "__main__":
    main()
