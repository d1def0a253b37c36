"""Purchase histories: summarised from days at a cutoff, or simulated event by event."""

import numpy as np
import pandas as pd


def at_cutoff(days, cutoff, until=None):
    """Summarise days before a cutoff, in days; with until also purchases and money from the cutoff on."""
    cutoff = pd.Timestamp(cutoff)
    before = days[days["date"] < cutoff].sort_values(["household_id", "date"])
    gap = before.groupby("household_id")["date"].diff().dt.days
    by = before.groupby("household_id")
    first, last = by["date"].min(), by["date"].max()
    table = pd.DataFrame(
        {
            "frequency": by.size() - 1,
            "recency": (last - first).dt.days.astype(float),
            "T": (cutoff - first).dt.days.astype(float),
            "monetary_value": before[gap.notna()].groupby("household_id")["net"].mean(),
            "log_gaps": np.log(gap).groupby(before["household_id"]).sum(),
        }
    )
    if until is not None:
        after = days[(days["date"] >= cutoff) & (days["date"] < pd.Timestamp(until))]
        later = after.groupby("household_id")["net"].agg(["size", "sum"]).reindex(table.index, fill_value=0)
        table["later"], table["later_money"] = later["size"], later["sum"]
    return table.reset_index()


def simulate(kind, params, customers, age, seed, horizon=0.0, regularity=1):
    """Simulate purchase histories over each age, and purchases in the horizon after it, event by event."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(params[0], 1 / params[1], customers)
    leaving = rng.beta(params[2], params[3], customers) if kind != "pareto" else np.zeros(customers)
    life = (
        rng.exponential(1 / rng.gamma(params[2], 1 / params[3], customers))
        if kind == "pareto"
        else np.full(customers, np.inf)
    )
    age = np.broadcast_to(np.asarray(age, dtype=float), (customers,)).copy()
    clock, frequency, recency, later, gaps = (np.zeros(customers) for _ in range(5))
    there = np.ones(customers, dtype=bool)
    if kind == "modified":
        there = rng.random(customers) >= leaving
    while there.any():
        who = np.flatnonzero(there)
        gap = rng.gamma(regularity, 1 / pace[who])
        clock[who] += gap
        came = (clock[who] <= age[who] + horizon) & (clock[who] <= life[who])
        there[who[~came]] = False
        buyers, gap = who[came], gap[came]
        seen = clock[buyers] <= age[buyers]
        frequency[buyers[seen]] += 1
        recency[buyers[seen]] = clock[buyers[seen]]
        gaps[buyers[seen]] += np.log(gap[seen])
        later[buyers[~seen]] += 1
        there[buyers[rng.random(len(buyers)) < leaving[buyers]]] = False
    return pd.DataFrame(
        {"frequency": frequency, "recency": recency, "T": age, "log_gaps": gaps, "later": later}
    )
