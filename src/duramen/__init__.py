"""Find the core customers of a business in its transactions, and explain why each is one.

The names that are used most stand here; the rest is found in its folder, for example ``duramen.btyd``. Each name is
imported when it is first used, so that importing the package takes no time.
"""

import lazy_loader

from duramen._version import __version__

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]
