"""How good a forecast is: metrics, baselines, holdout, backtest and champion/challenger."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
