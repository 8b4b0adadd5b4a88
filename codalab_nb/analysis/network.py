"""Where to draw the nodes of a network, so that two runs, and two orders of one file, give the same drawing.

Each connected part by stress majorization (Gansner ER, Koren Y, North S (2004) Graph drawing by stress majorization,
Graph Drawing, doi:10.1007/978-3-540-31843-9_25) from a start without chance; parts side by side, largest first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, shortest_path

Floats = npt.NDArray[np.float64]
MARGIN = np.array([2.2, 1.3])  # beside and below each part, where names go


def connected_parts(edges: pd.DataFrame) -> list[list[str]]:
    """The genes (of gene_1, gene_2) of each connected part, largest part first, names sorted."""
    names = sorted({*edges["gene_1"], *edges["gene_2"]})
    if not names:
        return []
    graph = _graph(edges, names)
    _, part = connected_components(graph, directed=False)
    found: dict[int, list[str]] = {}
    for name, number in zip(names, part, strict=True):
        found.setdefault(int(number), []).append(name)
    return sorted(found.values(), key=lambda members: (-len(members), members[0]))


def layout(edges: pd.DataFrame, aspect: float = 1.4) -> pd.DataFrame:
    """x and y of every gene in `edges`; an edge is about 1 long. aspect: width of the drawing to its height."""
    boxes = []
    for members in connected_parts(edges):
        mine = edges[edges["gene_1"].isin(members)]
        places = _spread(shortest_path(_graph(mine, members), directed=False, unweighted=True))
        places -= places.min(axis=0)
        boxes.append((members, places, places.max(axis=0) + MARGIN))
    if not boxes:
        return pd.DataFrame({"x": [], "y": []}, dtype=np.float64)
    corners = _shelves([box for _, _, box in boxes], aspect)
    frames = [
        pd.DataFrame(places + corner, index=members, columns=["x", "y"])
        for (members, places, _), corner in zip(boxes, corners, strict=True)
    ]
    return pd.concat(frames)


def _graph(edges: pd.DataFrame, names: list[str]) -> coo_array:
    place = {name: number for number, name in enumerate(names)}
    rows, columns = edges["gene_1"].map(place).to_numpy(), edges["gene_2"].map(place).to_numpy()
    return coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(names), len(names))).tocsr()


def _spread(distances: Floats, rounds: int = 150) -> Floats:
    """Places (n × 2) whose distances are close to `distances` along the graph."""
    n = len(distances)
    if n == 2:
        return np.array([[0.0, 0.0], [1.0, 0.35]])
    angle = 2 * np.pi * np.arange(n) / n
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    # Classical scaling as the start; the ring keeps apart what it would lay on one spot, as the nodes of a clique.
    centre = np.eye(n) - 1 / n
    power, vectors = np.linalg.eigh(-0.5 * centre @ distances**2 @ centre)
    start = vectors[:, -2:] * np.sqrt(np.maximum(power[-2:], 0))
    start = start * np.sign(start[np.abs(start).argmax(axis=0), np.arange(2)] + 1e-300)
    places = start + 0.3 * ring
    weights = 1 / np.maximum(distances, 1e-9) ** 2
    np.fill_diagonal(weights, 0)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    for _ in range(rounds):
        gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = -weights * distances / np.maximum(gaps, 1e-9)
        np.fill_diagonal(pull, 0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        places = inverse @ pull @ places
    # The longer side lies flat, which leaves room for names.
    _, _, axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
    turned = (places - places.mean(axis=0)) @ axes.T
    return np.asarray(turned * np.sign(turned[np.abs(turned).argmax(axis=0), np.arange(2)] + 1e-300))


def _shelves(boxes: list[Floats], aspect: float) -> list[Floats]:
    """Lower left corners: boxes in rows, the first row on top."""
    area = sum(float(width * height) for width, height in boxes)
    limit = max(float(np.sqrt(area * aspect)) * 1.15, *(float(width) for width, _ in boxes))
    corners, x, y, tall = [], 0.0, 0.0, 0.0
    for width, height in boxes:
        if x > 0 and x + width > limit * 1.001:
            x, y, tall = 0.0, y - tall, 0.0
        corners.append(np.array([x, y - float(height)]))
        x, tall = x + float(width), max(tall, float(height))
    return corners
