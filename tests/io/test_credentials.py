"""No password of an address is left in a text, and everything else is."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from duramen.io.credentials import mask_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ann:s3cret@db:5433/shop/orders", "postgresql://ann:***@db:5433/shop/orders"),
        ("postgresql://ann:s3@cr/et@db/shop", "postgresql://ann:***@db/shop"),
        ("mysql+pymysql://ann:a:b@db/shop failed", "mysql+pymysql://ann:***@db/shop failed"),
        ("postgresql://db/shop?user=ann&password=s3cret", "postgresql://db/shop?user=ann&password=***"),
        ("https://shop.com/a.csv?X-Amz-Signature=ab&x=1", "https://shop.com/a.csv?X-Amz-Signature=***&x=1"),
        ("'s3://key:secret@bucket/a.csv' and 'b@c'", "'s3://key:***@bucket/a.csv' and 'b@c'"),
    ],
)
def test_passwords_and_secret_parameters_are_masked(text, shown):
    assert mask_credentials(text) == shown


@pytest.mark.parametrize(
    "text", ["orders.csv", "duckdb://shop.db/orders", "postgresql://ann@db:5433/shop", "at 12:30"]
)
def test_what_holds_no_password_stays(text):
    assert mask_credentials(text) == text


@settings(max_examples=40)
@given(st.text("abc123:/@%!$*+,;=?&-", min_size=1, max_size=12).map(lambda text: f"Q{text}Z"))
def test_a_password_of_any_characters_is_masked(password):
    shown = mask_credentials(f"cannot connect to postgresql://ann:{password}@db/shop")
    assert shown == "cannot connect to postgresql://ann:***@db/shop"
