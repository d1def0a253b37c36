"""What the tests of the command line share."""

import pytest


@pytest.fixture(scope="session")
def saved(shop, tmp_path_factory):
    """Return the folder of the shop's model."""
    return shop.model.save(tmp_path_factory.mktemp("cli") / "model")
