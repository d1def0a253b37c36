"""Find the core customers of a business in its transactions, and explain why each is one.

Read and prepare
    read_transactions        read orders, check every row once and collapse them to purchase days
    Transactions             the checked transactions; print them to see what is in them
    read_customer_file       read what is known of customers beside their orders
    Window                   a cutoff and a horizon
    customer_table           one row of features for each customer at a cutoff
    customer_outcomes        what each customer did in a window
    InputError               an error in the input, with a sentence that says what to do

Rank and explain
    CoreCustomerModel        fit, predict, explain, save and load
    rank_customers           the ranking of a customer table, with all columns of duramen score
    rank_core_customers      ranks and tiers of scores
    Tiers                    names, cuts and service of the tiers, and treatments
    tier_table               customers, value and service by tier
    value_growth_map         core customers who grow, are steady or decline, rising and other customers
    what_if                  the rank of a customer with one more purchase
    BehaviouralSegmenter     segments of behaviour with names and rules
    write_report             the report of a fitted model as one HTML file

Evaluate and record
    scorecard                metrics of a model and of baselines on the holdout
    backtest                 the same at several past cutoffs, with intervals
    record_training          record a fitted model in MLflow

Analyse
    audit                    check any segmentation on the orders of its customers
    segment_transitions      how many customers moved from which group to which
    customers_who_rose       customers who rose beyond noise, season and trend
    market_elasticities      how customers respond to the market
    core_by_market_scenario  who is core when the market rises or falls
    MarketScenario           a change of demand, and which segments or categories respond to it
    portfolio                customers by loyalty, size and credit
    price_sensitivity        who buys at a discount and who at full price
    RetentionOffer           what a retention offer costs and how likely it is accepted
    campaign_profit          what a retention campaign earns

The rest is in the package of its subject: ``duramen.btyd`` (purchase models), ``duramen.forecast`` (value, churn and
growth), ``duramen.segments``, ``duramen.evaluation`` and ``duramen.analysis`` (business questions). Each name is
imported when it is first used, so importing duramen takes no time.
"""

import lazy_loader

from duramen._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
