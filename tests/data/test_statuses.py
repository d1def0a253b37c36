"""Which order statuses count as sales, and what the summary lists of them."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.data.statuses import meaning_of, parse_names
from duramen.errors import InputError

SALES = [
    "wc-completed", "wc-processing", "paid", "partially_paid", "PAID", "Complete", "processing", "Shipped",
    "Unshipped", "Shipped - Delivered to Buyer", "delivered", "shipped", "invoiced", "approved",
    "Payment accepted", "In Progress", "Processing in progress", "bezahlt", "versendet", "abgeschlossen",
    "Teilweise bezahlt", "In Bearbeitung", "Terminée", "Payée", "Expédiée", "Paiement accepté",
    "completado", "enviado", "entregado", "已完成", "已发货", "已付款", "交易成功", "voltooid", "betaald",
    "completato", "spedito", "concluído", "pago",
]  # fmt: skip
NO_SALES = [
    "wc-on-hold", "wc-pending", "wc-cancelled", "wc-refunded", "wc-failed", "wc-checkout-draft", "refunded",
    "voided", "pending", "authorized", "expired", "canceled", "holded", "pending_payment", "payment_review",
    "fraud", "Cancelled", "Canceled", "Pending", "Shipped - Returned to Seller", "unavailable", "created",
    "Awaiting bank wire payment", "Payment error", "On Hold", "ON_HOLD", "Pending payment", "storniert",
    "abgebrochen", "erstattet", "offen", "fehlgeschlagen", "Zurückerstattet", "Annulée", "Remboursé",
    "en attente de paiement", "cancelado", "reembolsado", "pendiente de pago", "已取消", "已退款", "待付款",
    "交易关闭", "geannuleerd", "terugbetaald", "annullato", "rimborsato", "reembolsada", "unpaid", "void",
    "declined", "failed",
]  # fmt: skip


@pytest.fixture
def shop():
    """Orders of 10, one for each status, each of another customer."""

    def make(*statuses, **columns):
        count = len(statuses)
        days = [f"2024-01-{1 + place % 28:02d}" for place in range(count)]
        return pd.DataFrame(
            {"customer": range(count), "date": days, "amount": 10.0, "status": statuses, **columns}
        )

    return make


@pytest.mark.parametrize("status", SALES)
def test_a_paid_order_is_a_sale(status):
    assert meaning_of(status) == "used"


@pytest.mark.parametrize("status", NO_SALES)
def test_an_unpaid_cancelled_or_refunded_order_is_no_sale(status):
    assert meaning_of(status) in ("unpaid", "cancelled", "refunded")


def test_a_closed_order_is_refunded_where_others_are_complete_and_finished_elsewhere():
    assert meaning_of("closed", ["closed", "complete", "pending"]) == "refunded"
    assert meaning_of("closed", ["closed", "open"]) == "used"


def test_of_a_woocommerce_export_only_completed_orders_count(shop):
    words = ["wc-completed", "wc-completed", "wc-cancelled", "wc-refunded", "wc-failed", "wc-pending"]
    tx = read_transactions(shop(*words), currency="EUR")
    assert tx.set_aside == {"unpaid or refunded order": 4}
    assert [tuple(one) for one in tx.statuses[:2]] == [
        ("wc-completed", 2, 20.0, True),
        ("wc-cancelled", 1, 10.0, False),
    ]
    assert str(tx).count("  status        ") == 5
    assert "  status        wc-completed  2 rows  20.00 EUR  used\n" in str(tx)
    assert "  status        wc-refunded   1 rows  10.00 EUR  not used\n" in str(tx)
    (sentence,) = tx.assumed
    assert sentence.startswith(
        "orders that are unpaid, cancelled or refunded by column 'status' are no sales"
    )


def test_only_the_named_statuses_count_in_every_spelling(shop):
    orders = shop("wc-completed", "wc-on-hold", "Sent", "sent")
    tx = read_transactions(orders, status_used=["On Hold, sent"])
    assert {one.status for one in tx.statuses if one.used} == {"wc-on-hold", "Sent", "sent"}
    assert not tx.assumed


def test_a_status_that_no_row_has_is_refused_with_those_there_are(shop):
    with pytest.raises(
        InputError, match=r"the status 'shiped' in column 'status'; the statuses are 'paid', 'sh"
    ):
        read_transactions(shop("paid", "shipped"), status_used="shiped")


def test_statuses_cannot_be_chosen_without_a_column_of_them(orders):
    with pytest.raises(InputError, match="no column of the role status, which `status_used` needs"):
        read_transactions(orders(), status_used="paid")


def test_unknown_words_and_codes_count_and_are_named(shop):
    tx = read_transactions(shop("1", "2", "7"))
    assert tx.rows_used == 3
    assert "status '1', '2', '7' in column 'status' are not known order statuses" in tx.assumed[0]


def test_a_partial_refund_counts_with_a_note(shop):
    tx = read_transactions(shop("paid", "partially_refunded"))
    assert tx.rows_used == 2
    assert "'partially_refunded' in column 'status' count in full" in tx.assumed[0]


def test_refunds_booked_as_negative_rows_of_their_own_are_netted(shop):
    orders = shop("paid", "paid", "refunded").assign(customer=1, amount=[30.0, 5.0, -30.0])
    tx = read_transactions(orders)
    assert tx.summary().net_total == 5
    assert "'refunded' in column 'status' have negative amounts only" in tx.assumed[0]


def test_rows_without_a_status_count_and_are_listed(shop):
    tx = read_transactions(shop("paid", None, " "))
    assert {one.status: (one.rows, one.used) for one in tx.statuses} == {
        "(none)": (2, True),
        "paid": (1, True),
    }


def test_rows_that_cannot_be_used_anyway_are_in_no_status(shop):
    orders = shop("paid", "paid", "cancelled", currency=["EUR", "USD", "USD"])
    tx = read_transactions(orders, currency="EUR")
    assert [tuple(one) for one in tx.statuses] == [("paid", 1, 10.0, True)]
    assert tx.set_aside == {"other currency": 2}


def test_a_column_of_remarks_is_not_taken_for_statuses(shop):
    with pytest.raises(InputError, match="more than 1,000 different values"):
        read_transactions(shop(*(f"remark {place}" for place in range(1001))))


def test_the_summary_counts_statuses_beyond_the_first_twelve_together(shop):
    tx = read_transactions(shop(*(f"step {place:02d}" for place in range(14)), "void"))
    assert "status        3 more, with 2 rows used and 1 not used" in str(tx)


def test_the_status_of_a_shopify_export_is_found(shop):
    orders = shop("paid", "voided").rename(columns={"status": "Financial Status"})
    assert read_transactions(orders).set_aside == {"unpaid or refunded order": 1}


def test_names_are_given_one_by_one_or_separated_by_commas():
    assert parse_names("a, b,") == parse_names(["a", "b"]) == ["a", "b"]


def _of_statuses(*words):
    days = pd.date_range("2024-01-01", periods=len(words)).strftime("%Y-%m-%d")
    return pd.DataFrame({"customer_id": 1, "date": days, "amount": 1.0, "status": words})


def test_a_named_status_counts_in_every_spelling_of_a_known_word():
    orders = _of_statuses("Paid", "paid ", "PAID", "wc-paid", "partially_paid", "shipped")
    assert read_transactions(orders, status_used="paid").rows_used == 4


def test_a_code_is_one_status_as_number_and_as_text_and_no_other_code():
    assert read_transactions(_of_statuses(1.0, 2.0, 10.0, None), status_used="1").rows_used == 2
    assert read_transactions(_of_statuses("1.0", "1", "10", "20"), status_used="1").rows_used == 2
