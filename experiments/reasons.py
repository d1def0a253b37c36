"""Check what a ranking says of each customer against the customer's own orders, and print thirty to be read.

In: orders, a cutoff and a horizon. Out: the first twenty and ten from the middle with their reasons, how many numbers
of all reasons were compared, and each fault; it ends with status 1 where there is one. Run it with:
python experiments/reasons.py dataset:cdnow --cutoff 1998-04-01 --horizon 91
python experiments/reasons.py PATH --config experiments/online_retail_ii.toml

Every fact is computed again by pandas from the source's own lines, by the rules in docs/reference/orders.md. Only
the names of the columns and the number of lines used, which must agree, are taken from duramen.
The factor at the end of a reason is no fact of the customer; factors are checked by what they multiply to.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from duramen.cli.config.read import read_config
from duramen.cli.config.train import TrainConfig
from duramen.cli.inputs import read_orders
from duramen.data.customers import customer_table
from duramen.data.datasets import open_dataset
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS

FIRST, MIDDLE = 20, 10
# Customers explained at once: each has a row for every feature of every part.
BLOCK = 5_000
RELATIVE = 1e-6
# What adding up loses of the terms added: those that cancel to 0 leave it.
ROUNDING = 1e-14
REASONS = ["reason_1", "reason_2", "reason_3"]
FACTOR_WORDS = "|".join(
    (
        r"\d+(?:\.\d+)? times the value",
        "more than 20 times the value",
        "less than a twentieth of the value",
        "about the same value",
    )
)


class Kind(NamedTuple):
    """A kind of sentence: its words, the fact behind each of its numbers, and what it claims without a number."""

    words: str
    facts: tuple[str, ...]
    claim: str = ""


# "typical_NAME" is the mean of the fact weighted by P(active), with which a factor compares each customer.
KINDS = (
    Kind(
        "bought on one day only, # days? ago (typical active customer #)",
        ("days_since", "typical_days_since"),
        "purchase_days == 1",
    ),
    Kind(
        "last bought # days? ago (typical active customer #), # days? after the first time",
        ("days_since", "typical_days_since", "mean_gap"),
        "purchase_days == 2",
    ),
    Kind(
        "last bought # days? ago (typical active customer #), usually every # days?",
        ("days_since", "typical_days_since", "mean_gap"),
        "purchase_days > 2",
    ),
    Kind(
        "last bought # days? ago (typical active customer #), usually every day",
        ("days_since", "typical_days_since"),
        "mean_gap < 1.5",
    ),
    Kind(
        "# purchase days? (typical active customer #) in # days?, # of them in the last 91",
        ("purchase_days", "typical_purchase_days", "age", "days_91"),
    ),
    Kind(
        "# MONEY (typical active customer #) to date, # (typical #) per purchase day",
        ("money", "typical_money", "basket", "typical_basket"),
        "returned == 0",
    ),
    Kind(
        "# MONEY (typical active customer #) to date after # returned, # (typical #) per purchase day",
        ("money", "typical_money", "returned", "basket", "typical_basket"),
        "returned > 0",
    ),
    Kind("no second purchase day yet, so no typical time between purchases", (), "purchase_days == 1"),
    Kind(
        "# days? (typical active customer #) between the only two purchase days",
        ("mean_gap", "typical_mean_gap"),
        "purchase_days == 2",
    ),
    Kind(
        "# days? (typical active customer #) between purchases on average, # at most",
        ("mean_gap", "typical_mean_gap", "longest_gap"),
        "purchase_days > 2",
    ),
    Kind(
        "# MONEY (typical active customer #) in the last 91 days, # in the 91 before",
        ("money_91", "typical_money_91", "money_91_before"),
    ),
    Kind("no full year of history yet to show a season", (), "age < 364"),
    Kind(
        "# MONEY (typical active customer #) a year ago in the season of the next 91 days",
        ("money_of_season", "typical_money_of_season"),
        "age >= 364",
    ),
    Kind("#% of purchase days at weekends", ("weekends",)),
    Kind("nothing returned to date", (), "returned == 0"),
    Kind(
        "# MONEY (typical active customer #) returned, #% of what was bought",
        ("returned", "typical_returned", "returned_share"),
        "returned > 0",
    ),
    Kind(
        "# different products? (typical active customer #) bought to date", ("products", "typical_products")
    ),
    Kind("# different categories bought to date", ("categories",)),
    Kind(
        "# MONEY (typical active customer #) of discounts, #% of the full price",
        ("discount", "typical_discount", "discount_share"),
    ),
    Kind("customer for # days? (typical active customer #)", ("age", "typical_age")),
)


def main() -> int:
    """Train, rank, print and check; return 1 where anything is wrong."""
    config = configured()
    tx = read_orders(config.orders, config)
    window = Window(config.cutoff, config.horizon)
    model = CoreCustomerModel(seed=config.seed).fit(tx, window)
    customers = customer_table(tx, window.cutoff)
    ranking = rank_core_customers(model.predict(customers))
    print(f"{len(ranking):,} customers, {window}, money in {tx.unit}\n")
    for row in to_be_read(ranking).itertuples():
        print(f"{row.rank:>6,}  {row.customer_id}  {row.tier}  {row.predicted_value:,.2f}")
        print(*(f"        {reason}" for reason in (row.reason_1, row.reason_2, row.reason_3)), sep="\n")
    active = ranking.set_index("customer_id")["probability_active"]
    compared, untrue = compare(ranking, facts_of(lines_of(config.orders, tx), window, active), tx.unit)
    faults = [*faults_of_ranking(ranking), *faults_of_parts(model, customers, ranking)]
    print(f"\n{compared.total():,} numbers and claims of {ranking[REASONS].size:,} reasons compared")
    print(*(f"{count:>10,}  {words}" for words, count in compared.most_common()), sep="\n")
    print(
        f"{len(untrue):,} differ; {len(faults):,} faults in parts, ranks and tiers of {len(ranking):,} customers"
    )
    print(*(untrue + faults)[:50], sep="\n")
    return int(bool(untrue or faults))


def configured() -> TrainConfig:
    """Return the settings of the command line, and of the TOML file where one is named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("orders", nargs="?", metavar="SOURCE")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--cutoff")
    parser.add_argument("--horizon")
    parser.add_argument("--column", action="append", dest="columns", metavar="ROLE=NAME")
    parser.add_argument("--currency")
    flags = vars(parser.parse_args())
    config = read_config(TrainConfig, flags.pop("config"), flags)
    if config.cutoff is None or config.horizon is None:
        parser.error("cutoff and horizon must be given, here or in the --config file")
    return config


def to_be_read(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return the first twenty customers and ten from the middle."""
    middle = max(FIRST, (len(ranking) - MIDDLE) // 2)
    return pd.concat([ranking.iloc[:FIRST], ranking.iloc[middle : middle + MIDDLE]])


def lines_of(source: str | pd.DataFrame, tx: Transactions) -> pd.DataFrame:
    """Return the usable lines of a source, read without duramen: a column for each role, money in whole 1e-4.

    Raises
    ------
    ValueError
        If they are not as many as duramen used, so that facts could not be compared.
    """
    rows = rows_of(source)[list(tx.columns.values())]
    if {"order", "product"} & set(tx.columns):
        rows = rows.drop_duplicates()
    rows = rows.rename(columns={name: role for role, name in tx.columns.items()})
    rows["date"] = pd.to_datetime(rows["date"]).dt.normalize()
    for role in {"amount", "discount"} & set(rows):
        rows[role] = pd.to_numeric(rows[role], errors="coerce")
    lines = rows.dropna(subset=["customer_id", "date", "amount"])
    if len(lines) != tx.rows_used:
        raise ValueError(
            f"{len(lines):,} lines of {tx.source} are usable here and {tx.rows_used:,} to duramen, which sets lines "
            "aside by rules that are not repeated here; give a source without them."
        )
    return lines.assign(money=whole(lines["amount"]))


def rows_of(source: str | pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a frame, a data set, a Parquet or a CSV file, unchanged."""
    if isinstance(source, str) and source.startswith("dataset:"):
        source = open_dataset(source.removeprefix("dataset:"))
    if isinstance(source, pd.DataFrame):
        return source
    return pd.read_csv(source, dtype=str) if str(source).endswith(".csv") else pd.read_parquet(source)


def whole(money: pd.Series) -> pd.Series:
    """Return money in whole ten-thousandths, which add up exactly in any order."""
    return (money * 10_000).round().astype("int64")


def facts_of(lines: pd.DataFrame, window: Window, active: pd.Series | None = None) -> pd.DataFrame:
    """Return every fact that a sentence may quote of each customer with a purchase before the cutoff, by id.

    Money is in the unit of the source, time in days, shares in percent. ``active`` is P(active) by id, with which each
    customer counts in the facts of the typical one; without it all count alike.
    """
    before = (pd.Timestamp(window.cutoff) - lines["date"]).dt.days.rename("before")
    lines = lines.assign(before=before)[before > 0]
    days = lines.groupby(["customer_id", "before"], as_index=False)["money"].sum()
    # Days that net to zero or less are no purchases; their money counts below all the same.
    bought = days[days["money"] > 0].sort_values(["customer_id", "before"], ascending=[True, False])
    by = bought.groupby("customer_id")
    gaps = (-by["before"].diff()).groupby(bought["customer_id"])
    weekend = ((window.cutoff.weekday() - bought["before"]) % 7 >= 5).groupby(bought["customer_id"])
    facts = pd.DataFrame(
        {
            "purchase_days": by.size(),
            "age": by["before"].max(),
            "days_since": by["before"].min(),
            "mean_gap": gaps.mean(),
            "longest_gap": gaps.max(),
            "weekends": 100 * weekend.mean(),
            "basket": by["money"].mean() / 10_000,
            "days_91": (bought["before"] <= 91).groupby(bought["customer_id"]).sum(),
        }
    )

    def total(rows: pd.DataFrame) -> pd.Series:
        return rows.groupby("customer_id")["money"].sum().reindex(facts.index, fill_value=0) / 10_000

    facts["money"] = total(days)
    facts["money_91"] = total(days[days["before"] <= 91])
    facts["money_91_before"] = total(days[days["before"].between(92, 182)])
    facts["money_of_season"] = total(days[days["before"].between(364 - 90, 364)])
    # A sale and a return of the same amount on one day leave nothing.
    alike = lines.groupby(["customer_id", "before", lines["money"].abs().rename("size")])["money"].sum()
    facts["returned"] = -total(alike[alike < 0].reset_index())
    sold = facts["money"] + facts["returned"]
    facts["returned_share"] = 100 * facts["returned"] / sold
    for role, name in (("product", "products"), ("category", "categories")):
        if role in lines:
            facts[name] = lines[lines["money"] > 0].groupby("customer_id")[role].nunique()
    if "discount" in lines:
        facts["discount"] = total(lines.assign(money=whole(lines["discount"].abs().fillna(0))))
        facts["discount_share"] = 100 * facts["discount"] / (sold + facts["discount"])
    # Who has no full year of history shows no season.
    seen = facts.assign(money_of_season=facts["money_of_season"].where(facts["age"] >= 364))
    weights = pd.Series(1.0, facts.index) if active is None else active.reindex(facts.index)
    means = seen.mul(weights, axis=0).sum() / seen.notna().mul(weights, axis=0).sum()
    return facts.assign(**means.add_prefix("typical_"))


def compare(ranking: pd.DataFrame, facts: pd.DataFrame, unit: str) -> tuple[Counter[str], list[str]]:
    """Compare every number and claim of every reason with the facts.

    Returns
    -------
    compared : Counter
        Numbers and claims by the words of their sentence.
    untrue : list of str
        What differs; a sentence that no kind describes is one of it.
    """
    compared: Counter[str] = Counter()
    untrue = []
    if set(ranking["customer_id"]) - set(facts.index):
        untrue.append("customers are ranked who bought nothing before the cutoff")
    patterns = {kind: re.compile(pattern_of(kind, unit)) for kind in KINDS}
    facts_by_id = facts.to_dict(orient="index")
    for customer, *reasons in ranking[["customer_id", *REASONS]].itertuples(index=False):
        for reason in reasons:
            found = {kind: match for kind, words in patterns.items() if (match := words.fullmatch(reason))}
            if len(found) != 1:
                untrue.append(f"{customer}: {reason!r} is of {len(found)} known kinds")
            for kind, match in found.items():
                compared[kind.words] += len(kind.facts) + bool(kind.claim)
                differ = untruths(kind, match.groups(), facts_by_id.get(customer, {}))
                untrue += [f"{customer}: {reason!r}, but {fact}" for fact in differ]
    return compared, untrue


def pattern_of(kind: Kind, unit: str) -> str:
    """Return the regular expression of a sentence with its factor; each number is a group."""
    words = re.sub(r"[()]", r"\\\g<0>", kind.words).replace("MONEY", re.escape(unit))
    words = words.replace("#", r"(-?[\d,]+(?:\.\d+)?)")
    return words + rf": (?:{FACTOR_WORDS})"


def untruths(kind: Kind, numbers: tuple[str, ...], own: dict[str, float]) -> Iterator[str]:
    """Give each fact that a sentence has wrong by more than the rounding of its last digit, and a false claim."""
    for name, number in zip(kind.facts, numbers, strict=True):
        half_a_digit = 0.5 * 10.0 ** -len(number.partition(".")[2])
        fact = own.get(name, np.nan)
        if not abs(float(number.replace(",", "")) - fact) <= half_a_digit * (1 + RELATIVE):
            yield f"{name} is {fact:,.6g}"
    if kind.claim:
        name, relation, bound = kind.claim.split()
        fact, limit = own.get(name, np.nan), float(bound)
        relations = {"==": fact == limit, "<": fact < limit, ">": fact > limit, ">=": fact >= limit}
        if not relations[relation]:
            yield f"{name} is {fact:,.6g}"


def faults_of_ranking(ranking: pd.DataFrame) -> list[str]:
    """Return what is wrong with ranks, their order, ties, and tiers by their default thresholds."""
    faults = []
    ranks = np.arange(1, len(ranking) + 1)
    if not np.array_equal(np.sort(ranking["rank"]), ranks):
        faults.append("ranks are no permutation")
    order = ranking.sort_values(["score", "customer_id"], ascending=[False, True])
    if not np.array_equal(order["rank"], ranks):
        faults.append("ranks do not go by falling score and then by customer id")
    wrong = ranking[ranking["tier"] != tiers_of(ranking)]
    return faults + [
        f"{row.customer_id}: tier {row.tier} is not by the thresholds" for row in wrong.itertuples()
    ]


def tiers_of(ranking: pd.DataFrame) -> pd.Series:
    """Return each customer's tier without costs, by the share of value of the customers before."""
    tiers = DEFAULT_TIERS
    by_value = ranking.sort_values(["predicted_value", "rank"], ascending=[False, True])
    value, growing = by_value["predicted_value"], by_value["probability_growing"]
    # The smallest set of a share: customers before whom less than the share has been reached.
    held_before = (value.cumsum() - value) / value.sum()
    core = held_before < tiers.core_share
    likely = growing[~core].quantile(1 - tiers.rising_share)
    rising = ~core & (by_value["growth_rate"] >= tiers.rising_growth) & (growing >= likely)
    rising &= ~by_value["lifecycle_stage"].isin(("at risk", "lapsed"))
    names = np.select(
        [held_before < tiers.vip_share, core, rising, held_before < tiers.regular_share],
        [tiers.vip.name, tiers.main.name, tiers.rising.name, tiers.regular.name],
        default=tiers.small.name,
    )
    return pd.Series(names, index=by_value.index).reindex(ranking.index)


def faults_of_parts(model: CoreCustomerModel, customers: pd.DataFrame, ranking: pd.DataFrame) -> list[str]:
    """Return each customer whose factors or terms do not give what they explain, to one in a million.

    Terms of log odds are compared as the odds that they multiply to.
    """
    ranked = ranking.set_index("customer_id")
    wanted = pd.DataFrame(
        {
            "value": ranked["predicted_value"],
            "activity": ranked["probability_active"] / ranked["churn_probability"],
            "score": ranked["score"],
            "growth": ranked["growth_potential"],
        }
    )
    faults = []
    for start in range(0, len(customers), BLOCK):
        block = customers.iloc[start : start + BLOCK]
        explained = model.explain(block)
        by = explained.assign(size=explained["term"].abs()).groupby(["part", "customer_id"])
        given = by["term"].sum().unstack("part").assign(value=by["factor"].prod()["value"])
        given["activity"] = np.exp(given["activity"])
        want = wanted.loc[block["customer_id"]]
        given, size = given.reindex_like(want), by["size"].sum().unstack("part").reindex_like(want)
        off = ~((given - want).abs() <= RELATIVE * want.abs() + ROUNDING * size)
        faults += [
            f"{customer}: the parts of {part} give {given.at[customer, part]!r}, not {want.at[customer, part]!r}"
            for customer, part in off.stack().loc[lambda each: each].index
        ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
