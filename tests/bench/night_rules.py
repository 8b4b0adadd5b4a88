"""The rules of the night, as a person would write them: `codalab-nb systematic rule add FILE`."""

from __future__ import annotations

NIGHT = """\
name = "night"
description = "The usual questions on every data set, each with the ways there are to answer it"

[[methods]]
method = "check-my-data"

[[methods]]
method = "pca-overview"
[methods.parameters]
scale = [false, true]

[[methods]]
method = "de-*"

[[methods]]
method = "predict-class"
[methods.parameters]
model = ["svm", "centroid", "forest", "lda"]
compare_models = false
permutations = 0

[[methods]]
method = "heat-map"
[methods.parameters]
distance = ["correlation", "euclidean"]

[[methods]]
method = "heat-map"
[methods.parameters]
distance = "euclidean"
linkage = "ward"

[budget]
cpu_hours = 3
tasks = 2000
"""

# In pairs this method takes ten seconds for 600 genes, and its score eleven runs: `airway` is left out.
GROUPS = """\
name = "groups"
description = "One test for each measurement, where samples are not in pairs"

[datasets]
names = ["[b-z]*", "armstrong*"]

[[methods]]
method = "compare-groups"
[methods.parameters]
test = "welch"

[budget]
tasks = 200
"""

LINEAR = """\
name = "intensities"
description = "What the floor below intensities does to the list of genes, and pathways where genes have symbols"
priority = -1

[datasets]
kinds = ["linear"]

[[methods]]
method = "de-continuous"
[methods.parameters]
floor = [1, 100]

[[methods]]
method = "pathways"
[methods.parameters]
smallest_set = [5, 10]

[budget]
tasks = 200
"""

BATCHES = """\
name = "batches"
description = "Whether it helps to take the batch into account"
priority = -1

[datasets]
roles = ["batch"]

[[methods]]
method = "batch-check"

[[methods]]
method = "de-*"
[methods.parameters]
adjust_for = "batch"

[budget]
tasks = 200
"""

COUNTS = """\
name = "counts"
description = "Fewer or more genes with few reads; with the pairs and without"
priority = -1

[datasets]
kinds = ["counts"]

[[methods]]
method = "de-counts"
[methods.parameters]
least_count = [1, 50]

[[methods]]
method = "de-counts"
[methods.parameters]
adjust_for = ""

[budget]
tasks = 200
"""

RANKS = """\
name = "ranks"
description = "Tests by ranks, where there are few columns: with hundreds of genes they take a minute"
priority = -2

[datasets]
max_features = 100

[[methods]]
method = "compare-groups"
[methods.parameters]
test = ["auto", "ranks"]

[budget]
tasks = 200
"""

RULES = (NIGHT, GROUPS, LINEAR, BATCHES, COUNTS, RANKS)
