"""The configuration of every command: where its values come from, which one wins, and how a wrong one is refused."""

import ast
import re
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

import duramen
from duramen.cli.app import COMMANDS, app
from duramen.cli.config.audit import AuditConfig
from duramen.cli.config.commands import CONFIGS
from duramen.cli.config.cutoffs import BacktestConfig
from duramen.cli.config.promotion import PromoteConfig
from duramen.cli.config.ranking import ScoreConfig
from duramen.cli.config.read import read_config
from duramen.cli.config.settings import has_type, plain_type, setting_of, table_of
from duramen.cli.config.tables import ForecastTable, TreesTable
from duramen.cli.config.train import TrainConfig
from duramen.cli.train import build_model
from duramen.errors import InputError
from duramen.forecast.settings import ForecastSettings, TreeSettings

PACKAGE = Path(duramen.__file__).parent


@pytest.fixture
def toml(tmp_path, monkeypatch):
    """Write a TOML file, in a folder of its own, and return its name."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        Path("shop.toml").write_text(text)
        return "shop.toml"

    return write


def test_flags_win_over_the_environment_over_the_file_over_the_defaults(toml, monkeypatch):
    config = toml('orders = "file.csv"\nhorizon = 28\nseed = 1\ncurrency = "USD"\n')
    monkeypatch.setenv("DURAMEN_HORIZON", "26w")
    monkeypatch.setenv("DURAMEN_SEED", "2")
    read = read_config(TrainConfig, config, {"seed": "3"})
    assert (read.seed, read.horizon, read.currency, read.model_out) == (3, "26w", "USD", Path("model"))
    assert (read.orders, read.kind, read.cutoff) == ("file.csv", None, None)


def test_the_file_can_be_named_by_the_environment(toml, monkeypatch):
    monkeypatch.setenv("DURAMEN_CONFIG", toml('orders = "file.csv"\n'))
    assert read_config(ScoreConfig).orders == "file.csv"
    Path("other.toml").write_text('orders = "other.csv"\n')
    assert read_config(ScoreConfig, "other.toml").orders == "other.csv"


def test_a_file_serves_all_commands(toml):
    config = toml('orders = "orders.csv"\nmodel_out = "here"\nincremental = "kept.parquet"\ncutoffs = 4\n')
    assert read_config(TrainConfig, config).model_out == Path("here")
    assert read_config(ScoreConfig, config).incremental == Path("kept.parquet")
    assert read_config(BacktestConfig, config).cutoffs == 4


def test_a_setting_of_a_table_is_changed_alone(toml, monkeypatch):
    config = toml(
        'orders = "o"\n[columns]\norder = "InvoiceNo"\nproduct = "sku"\n[promotion]\nmargin = 0.5\n'
    )
    monkeypatch.setenv("DURAMEN_COLUMNS", '{ product = "article" }')
    read = read_config(PromoteConfig, config, {"columns": ["category=group"], "metric": "Brier"})
    assert read.columns == {"order": "InvoiceNo", "product": "article", "category": "group"}
    rule = read.promotion.rule()
    assert (rule.metric, rule.margin, rule.confidence) == ("Brier", 0.5, 0.95)


def test_days_are_read_wherever_they_are_from(toml, monkeypatch):
    config = toml('orders = "o"\ncutoff = [1998-01-01, "1998-04-01"]\n')
    assert read_config(BacktestConfig, config).cutoff == [date(1998, 1, 1), date(1998, 4, 1)]
    assert read_config(BacktestConfig, config, {"cutoff": ["1997-10-01"]}).cutoff == [date(1997, 10, 1)]
    monkeypatch.setenv("DURAMEN_CUTOFF", "1997-12-01")
    assert read_config(BacktestConfig, config).cutoff == [date(1997, 12, 1)]
    monkeypatch.setenv("DURAMEN_CUTOFF", '["1997-12-01", "1997-12-31"]')
    assert len(read_config(BacktestConfig, config).cutoff) == 2
    assert read_config(ScoreConfig, None, {"orders": "o", "cutoff": "1998-01-01"}).cutoff == date(1998, 1, 1)


def test_tiers_axes_and_forecast_are_those_of_the_tables(toml):
    config = toml(
        'orders = "o"\n[tiers]\nvip_share = 0.3\nsmall = { name = "basic" }\n'
        '[portfolio]\nsize_from = "predicted"\ncredit_grades = ["A", "B"]\n'
        'size = { levels = ["little", "much"], cuts = [500], by = "value" }\n'
        '[portfolio.cells."loyal, much"]\nname = "star"\ntreatment = "keep"\n'
        "[forecast]\ntraining_cutoffs = 4\ntrees = { num_leaves = 15, learning_rate = 0.1 }\n"
    )
    read = read_config(TrainConfig, config)
    tiers = read.tiers.tiers()
    assert (tiers.vip_share, tiers.core_share, tiers.small.name) == (0.3, 0.8, "basic")
    axes = read.portfolio.axes()
    assert (axes.size_from, axes.credit_grades, axes.size.cuts) == ("predicted", ("A", "B"), (500.0,))
    assert axes.cell(("loyalty", "size"), (1, 1)).name == "star"
    assert read.forecast.settings() == ForecastSettings(
        training_cutoffs=4, trees=TreeSettings(num_leaves=15, learning_rate=0.1)
    )
    assert build_model(read).forecast == read.forecast.settings()
    base = tiers.from_dict({"core_share": 0.6})
    assert read.tiers.tiers(base).core_share == 0.6


def test_a_backtest_has_the_settings_of_the_forecast_too(toml):
    given = toml('orders = "o"\n[forecast]\nbtyd_models = ["BG/NBD"]\n[forecast.trees]\nnum_leaves = 5\n')
    settings = read_config(BacktestConfig, given).forecast.settings()
    assert settings == ForecastSettings(btyd_models=("BG/NBD",), trees=TreeSettings(num_leaves=5))
    assert read_config(BacktestConfig, None, {"orders": "o"}).forecast.settings() == ForecastSettings()


def test_the_tables_of_the_forecast_have_every_setting_and_no_other():
    assert list(ForecastTable.model_fields) == [field.name for field in fields(ForecastSettings)]
    assert list(TreesTable.model_fields) == [field.name for field in fields(TreeSettings)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("horizn = 91", "horizn in shop.toml is not a setting; did you mean 'horizon'?"),
        ("xyz = 1", "xyz in shop.toml is not a setting; choose one of 'lang', 'verbose', 'customer_id', "),
        ("[tiers]\nvip_part = 1", "tiers.vip_part in shop.toml is not a setting; did you mean 'vip_share'?"),
        (
            "[tiers.vip]\nxyz = 1",
            "tiers.vip.xyz in shop.toml is not a setting; choose one of 'name', 'service'.",
        ),
        ("[columns]\nordre = 'x'", "columns in shop.toml: 'ordre' is not a role of a column; did you mean 'order'?"),
        ("[tiers.treatments]\nquiet = 'x'", "tiers.treatments in shop.toml: there is no kind of customer 'quiet'"),
        ("[segment_weights]\ntrnd = 1", "segment_weights in shop.toml: there is no measure 'trnd' to weigh; did you"),
        ("[portfolio]\nsize_form = 1", "portfolio.size_form in shop.toml is not a setting; did you mean 'size_from'?"),
        ("[portfolio.size]\nlevel = []", "portfolio.size.level in shop.toml is not a setting; did you mean 'levels'?"),
        ("[promotion]\nmargn = 1", "promotion.margn in shop.toml is not a setting; did you mean 'margin'?"),
        ("[forecasts]", "forecasts in shop.toml is not a setting; did you mean 'forecast'?"),
        ("[forecast]\nfolds = 3", "forecast.folds in shop.toml is not a setting; choose one of 'btyd_models', "),
        ("[forecast.trees]\nleaves = 3", "forecast.trees.leaves in shop.toml is not a setting; did you mean 'num_"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest_one_or_all(text, sentence, toml):
    config = PromoteConfig if "[promotion]" in text else TrainConfig
    with pytest.raises(InputError) as error:
        read_config(config, toml(text), {"orders": "o"})
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = 1.5", "seed in shop.toml is 1.5, not a whole number from 0 on; write for example 7."),
        ("seed = true", "seed in shop.toml is True, not a whole number from 0 on; write for example 7."),
        (
            "horizon = true",
            "horizon in shop.toml is True, not a length in days, weeks, months or years; write for example 183d.",
        ),
        ("growth_weight = inf", "growth_weight in shop.toml is inf, not a finite number; write for example 0.25."),
        ("cutoff = 5", "cutoff in shop.toml is 5, not a day; write for example 2011-06-01."),
        ("overwrite = 5", "overwrite in shop.toml is 5, not true or false; write for example true."),
        ("decimal = '.,'", "decimal in shop.toml is '.,', not '.' or ','; write for example ','."),
        ("tiers = 'gold'", "tiers in shop.toml is 'gold', not a table; write [tiers] and its settings in lines of"),
        ("columns = 'x'", "columns in shop.toml is 'x', not a table; write [columns] and its settings in lines of"),
        ("tiers.treatments = 5", "tiers.treatments in shop.toml is 5, not a table; write [tiers.treatments] and its"),
        ("[tiers.treatments]\nx = 5", "tiers.treatments.x in shop.toml is 5, not a text; write for example"),
        ("[segment_weights]\nx = 'y'", "segment_weights.x in shop.toml is 'y', not a number from 0 on; write for"),
        ("[tiers]\nvip_share = 'x'", "tiers.vip_share in shop.toml is 'x', not a number from 0 to 1; write for"),
        ("[forecast]\ncalibrated = 5", "forecast.calibrated in shop.toml is 5, not true or false; write for"),
        ("[forecast]\nbtyd_models = 'x'", "forecast.btyd_models in shop.toml is 'x', not a list of BG/NBD, MBG/NBD"),
        ("[forecast]\nbtyd_models = ['x']", "forecast in shop.toml: btyd_models of a forecast are ['x']; give at"),
        ("[forecast.trees]\nnum_leaves = 1.5", "forecast.trees.num_leaves in shop.toml is 1.5, not a whole number"),
        ("[forecast.trees]\nnum_leaves = 1", "forecast in shop.toml: num_leaves of trees is 1; give a whole number"),
        ("[portfolio.size]\ncuts = 5", "portfolio.size.cuts in shop.toml is 5, not numbers; write for example [500]."),
        (
            "[portfolio.cells.'loyal, large']\nname = 'x'",
            "portfolio.cells.loyal, large.treatment in shop.toml is missing; give a text, for example \"serve",
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_key_and_an_example(text, sentence, toml):
    with pytest.raises(InputError) as error:
        read_config(TrainConfig, toml(text), {"orders": "o"})
    assert sentence in str(error.value)


def test_a_sentence_names_the_flag_or_the_variable_or_the_file_that_has_the_value(toml, monkeypatch):
    config = toml('orders = "o"\nseed = -1\n')
    with pytest.raises(InputError, match=r"^seed in shop.toml is -1, not"):
        read_config(TrainConfig, config)
    monkeypatch.setenv("DURAMEN_SEED", "-2")
    with pytest.raises(InputError, match=r"^seed in DURAMEN_SEED is '-2', not"):
        read_config(TrainConfig, config)
    with pytest.raises(InputError, match=r"^--seed is '-3', not"):
        read_config(TrainConfig, config, {"seed": "-3"})
    with pytest.raises(InputError, match=r"^--margin is 'x', not a number from 0 on"):
        read_config(PromoteConfig, None, {"margin": "x"})
    with pytest.raises(InputError, match=r"^--transactions is missing; give a file"):
        read_config(AuditConfig, None, {"segments": "s.csv"})


def test_a_misspelt_variable_is_refused_and_one_of_something_else_is_not(monkeypatch):
    monkeypatch.setenv("DURAMEN_HOME", "/opt")
    assert read_config(TrainConfig, None, {"orders": "o"}).seed == 0
    monkeypatch.setenv("DURAMEN_HORIZN", "5")
    with pytest.raises(
        InputError, match=r"DURAMEN_HORIZN is not a setting; did you mean 'DURAMEN_HORIZON'\?"
    ):
        read_config(TrainConfig, None, {"orders": "o"})


def test_a_variable_that_is_not_valid_toml_is_refused(monkeypatch):
    monkeypatch.setenv("DURAMEN_TIERS", "{ vip_share: 0.3 }")
    with pytest.raises(
        InputError, match=r"DURAMEN_TIERS is '{ vip_share: 0.3 }', which is not a valid TOML value"
    ):
        read_config(TrainConfig, None, {"orders": "o"})


def test_what_is_recorded_are_plain_values(toml):
    config = read_config(TrainConfig, toml('orders = "o"\ncutoff = 1998-04-01\n[tiers]\nvip_share = 0.3\n'))
    recorded = config.recorded()
    assert recorded["cutoff"] == "1998-04-01"
    assert (recorded["tiers"], recorded["model_out"], recorded["seed"]) == ({"vip_share": 0.3}, "model", 0)
    assert "horizon" not in recorded


def test_a_parameter_in_an_error_of_the_library_becomes_the_flag_of_the_command():
    sentence = "give `decimal`, `orders`, `columns`, `tiers` or `metric`, not `alpha`."
    assert (
        TrainConfig.in_flags(sentence)
        == "give --decimal, ORDERS, --column, [tiers] or `metric`, not `alpha`."
    )
    assert PromoteConfig.in_flags("`metric`") == "--metric"
    assert AuditConfig.in_flags("`orders`") == "--transactions"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_describes_each_of_its_options(command):
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    flags = list(CONFIGS[command].flags())
    assert flags
    for flag in flags:
        assert flag.words in shown
        assert flag.option.help[:40] in shown


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_setting_is_described_or_is_a_table(config):
    fields = dict(config.model_fields)
    while fields:
        name, field = fields.popitem()
        if table := table_of(field):
            fields |= table.model_fields
        elif has_type(field, dict) and setting_of(field) is None:
            values = get_args(plain_type(field))[1]
            assert table_of(values) or setting_of(values), name
        else:
            assert setting_of(field), name


def test_all_commands_have_a_configuration():
    assert COMMANDS.keys() == CONFIGS.keys()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_page_of_the_configuration_names_every_setting_of_a_table(config):
    page = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for name, field in config.model_fields.items():
        if table := table_of(field):
            assert all(f"`{name}.{setting}" in page for setting in table.model_fields)
        elif has_type(field, dict):
            assert f"`{name}." in page


def test_an_example_of_the_page_of_the_configuration_is_valid(toml):
    page = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    example = toml(page.split("```toml")[1].split("```")[0])
    assert read_config(TrainConfig, example).tiers.tiers().small.name == "basic"
    assert read_config(ScoreConfig, example).columns == {"order": "InvoiceNo", "product": "StockCode"}


def test_no_sentence_below_the_command_line_names_a_flag():
    flags = {flag.words for config in CONFIGS.values() for flag in config.flags()} | {"--config"}
    named = re.compile("|".join(rf"{flag}\b" for flag in sorted(flags) if flag.startswith("--")))
    found = [
        f"{path.name}:{part.lineno}: {part.value[:60]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "cli" not in path.relative_to(PACKAGE).parts
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and (named.search(part.value) or part.value.endswith("--"))
    ]
    assert found == []
