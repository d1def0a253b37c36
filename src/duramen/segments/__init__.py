"""Behavioural clusters, their names and treatments, RFM groups and life-cycle stages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
