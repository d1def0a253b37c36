"""Value, churn and growth over a horizon, learned on rolling cutoffs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
