"""Behavioural segments: time by number of customers, and what they predict on real data.

In: nothing; CDNOW's customers, repeated with noise, for the time; data sets for the figures. Out: printed tables.
Called by hand:
- `python benchmarks/segments.py --customers 100000 1000000`: fit and assign, compared with k-means and
  the silhouette as in a usual notebook, in turns, so that a busy machine slows both;
- `python benchmarks/segments.py --figures [--online-retail online_retail_ii.parquet]`: stability, changes of the
  segments of a cutoff before, rules, and the share of the future that is explained.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.datasets import open_dataset
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation.segment_information import segment_value
from duramen.segments.segmenter import WEIGHTS, BehaviouralSegmenter

# Seconds that fitting and assigning a million customers may take.
BAR = 30.0
# The cutoff before is a horizon earlier, or a quarter where that is less.
QUARTER = 91
MEASURED = ("frequency", "T", "gap_mean", "basket_geometric_mean", "time_since_last", "net_spend")
WINDOWS = {
    "cdnow": Window("1997-10-01", 273),
    "complete_journey": Window("2017-09-03", 119),
    "online_retail_ii": Window("2011-06-01", 183),
}
# Other weights than the default, to show what they change; none of them is used.
OTHER_WEIGHTS = ({"spend": 1.0}, {"spend": 0.5}, {"silence": 1.0}, {"rhythm": 2.0}, {"trend": 0.5})


def repeated(customers: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return so many customers, each like one of CDNOW's within some percent."""
    rng = np.random.default_rng(0)
    many = customers.iloc[rng.integers(0, len(customers), count)].reset_index(drop=True)
    noise = np.exp(rng.normal(0, 0.05, (count, len(MEASURED))))
    noise[:, 0] = 1.0
    return many.assign(**{name: many[name] * noise[:, place] for place, name in enumerate(MEASURED)})


def plain_means(customers: pd.DataFrame) -> np.ndarray:
    """K-means on scaled recency, frequency and money, the number by the silhouette of a sample."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(
        np.log1p(customers[["time_since_last", "frequency", "net_spend"]])
    )
    tried = {count: KMeans(count, n_init=10, random_state=0).fit(scaled) for count in range(3, 8)}
    scores = {
        count: silhouette_score(scaled, found.labels_, sample_size=10_000, random_state=0)
        for count, found in tried.items()
    }
    labels: np.ndarray = tried[max(scores, key=lambda count: scores[count])].labels_
    return labels


def time_of_each(counts: list[int], turns: int) -> pd.DataFrame:
    """Return the median seconds of both ways at each number of customers."""
    tx = read_transactions(open_dataset("cdnow"))
    customers = customer_table(tx, WINDOWS["cdnow"].cutoff)
    rows = []
    for count in counts:
        many = repeated(customers, count)
        taken: dict[str, list[float]] = {"fit": [], "assign": [], "plain k-means": []}
        for _ in range(turns):
            started = time.perf_counter()
            segmenter = BehaviouralSegmenter().fit(many)
            fitted = time.perf_counter()
            segmenter.predict(many)
            assigned = time.perf_counter()
            plain_means(many)
            ended = time.perf_counter()
            for name, seconds in zip(
                taken, (fitted - started, assigned - fitted, ended - assigned), strict=True
            ):
                taken[name].append(seconds)
        medians = {name: round(statistics.median(seconds), 1) for name, seconds in taken.items()}
        within = medians["fit"] + medians["assign"] <= BAR if count == 1_000_000 else None
        rows.append({"customers": count, **medians, "within the bar": within})
    return pd.DataFrame(rows)


def figures(name: str, source: Path | pd.DataFrame) -> None:
    """Print the segments of a data set, their changes, and what they predict."""
    window, tx = WINDOWS[name], read_transactions(source)
    customers = customer_table(tx, window.cutoff)
    outcomes = customer_outcomes(tx, window, customers)
    before = window.earlier(min(window.horizon, QUARTER))
    earlier = BehaviouralSegmenter().fit(customer_table(tx, before.cutoff))
    segmenter = BehaviouralSegmenter(previous=earlier).fit(customers)
    alone = BehaviouralSegmenter().fit(customers)
    print(f"\n== {name}, {len(customers):,} customers, {window} (before: {before.cutoff})")
    print(segmenter.candidates_.round(2).to_string(index=False))
    print(
        segmenter.profile_[["segment", "name", "customers", "rule_covers", "rule_holds"]].round(2).to_string()
    )
    print("\n".join(segmenter.profile_["rule"]), *segmenter.notes_, sep="\n")
    print(segmenter.changes_.round(2).to_string(index=False))
    for name, model in (("fitted alone", alone), ("after the cutoff before", segmenter)):
        information = segment_value(customers, outcomes, model.predict(customers))
        print(f"-- {name}: stability {model.stability_:.2f}, fidelity {model.rule_fidelity_:.2f}")
        print(information.table.round(3).to_string(index=False))
        print(information.verdict)
    for weights in OTHER_WEIGHTS:
        model = BehaviouralSegmenter(weights=WEIGHTS | weights).fit(customers)
        table = segment_value(customers, outcomes, model.predict(customers), resamples=1).table
        explained = table.pivot(index="groups", columns="target", values="explained").round(3)
        print(f"-- weights {weights}: {len(model.numbers_)} segments, stability {model.stability_:.2f}")
        print(explained.to_string())


def main() -> None:
    """Read the command line and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, nargs="*", default=[])
    arguments.add_argument("--turns", type=int, default=3)
    arguments.add_argument("--figures", action="store_true")
    arguments.add_argument("--online-retail", type=Path)
    given = arguments.parse_args()
    if given.customers:
        print(time_of_each(given.customers, given.turns).to_string(index=False))
    if given.figures:
        for name in ("cdnow", "complete_journey"):
            figures(name, open_dataset(name))
        if given.online_retail:
            figures("online_retail_ii", given.online_retail)


if __name__ == "__main__":
    main()
