from .backtesting import backtest as backtest
from .backtesting import backtest_windows as backtest_windows
from .champion_challenger import challenge as challenge
from .ranking_sensitivity import sensitivity as sensitivity
from .scorecards import scorecard as scorecard
from .segment_information import segment_value as segment_value
