"""No text that leaves the package shows a password, and text without one stays as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.io.credentials import mask_credentials, mask_values

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:s3cret@db/shop", "postgresql://ann:s3@cret@db/shop/scores",
        "postgresql://ann:s3/cret@db/shop/scores", "postgresql://ann:s3%00cret@db/shop/scores",
        "postgresql://ann:s3cret/shop/scores", "postgresql://ann@db/shop/scores?password=s3cret",
        "postgresql://ann@db/shop/scores?%70assword=s3cret", "mysql://ann:s3:cret@db/shop",
        "http://ann:s3cret@127.0.0.1:5000/#/experiments", "http://ann?token=s3cret&x=1", "s3://ann/o?sig=s3cret",
        "http:/ann:s3cret@db/shop", "az://ann/o?sv=1&X-Amz-Signature=s3cret", "s3://ann?AWSAccessKeyId=s3cret",
    ],
)  # fmt: skip
def test_no_address_shows_a_password_alone_or_in_a_sentence(address):
    for text in (address, f"the store {address}: the server does not answer.", repr({"uri": address})):
        masked = mask_credentials(text)
        assert f"{address.partition('ann')[0]}ann" in masked
        assert "s3cret" not in masked
        assert "cret" not in masked.replace("s3://", "")
        assert mask_credentials(masked) == masked


def test_a_token_in_the_place_of_a_user_is_masked():
    assert mask_credentials("https://ghp_12345@example.com/x") == "https://***@example.com/x"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db:5433/shop/scores?sslmode=require", "postgresql://ann@db-1,db-2:5433/shop",
        "duckdb:///data/shop.db/scores", "a.csv", "models:/duramen@champion", "sqlite:///mlruns/mlflow.db",
        "the MLflow store http://127.0.0.1:9: the server does not answer", "ann@example.com", "s3://shop/o.csv?region=eu",
    ],
)  # fmt: skip
def test_text_without_a_password_stays_as_it_is(text):
    assert mask_credentials(text) == text


@settings(max_examples=40)
@given(password=WORDS, before=WORDS, after=WORDS)
def test_whatever_characters_a_password_has_none_of_it_is_left(password, before, after):
    text = f"{before} scheme://user:{password}@host/path {after}"
    assert mask_credentials(f"scheme://user:{password}@host") == "scheme://user:***@host"
    assert "://user:***@host/path" in mask_credentials(text)


def test_values_of_any_depth_are_masked_and_others_kept():
    value = {"a": [{"b": ("http://u:p@h", 1, None)}], "c": 2.5}
    assert mask_values(value) == {"a": [{"b": ["http://u:***@h", 1, None]}], "c": 2.5}
