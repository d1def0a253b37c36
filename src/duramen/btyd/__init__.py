"""BG/NBD, MBG/NBD, Pareto/NBD and gamma-gamma: purchases, spend and customer lifetime value."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
