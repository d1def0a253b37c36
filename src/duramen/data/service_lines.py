"""Lines with a product code come in; those of postage, fees, vouchers and corrections go out, with their money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.checks import parse_text
from duramen.data.purchase_days import MONEY
from duramen.errors import InputError
from duramen.language import marked, say

if TYPE_CHECKING:
    import ibis
    from ibis import ir

SERVICE_LINE = marked("service line")
CHOICES = ("keep", "drop")

# Whole values of a product column, in lower case, words separated by one space.
_WORDS = """
post, dot, bank charges, amazonfee, amazon fee, adjust, adjust2, adjust bad debt, postage, dotcom postage,
carriage, shipping, shipping cost, shipping costs, shipping fee, shipping charge, shipping & handling,
shipping and handling, handling, handling fee, freight, delivery, delivery fee, delivery charge, courier,
insurance, gift wrap, gift wrapping, gift card, giftcard, gift voucher, gift certificate,
dotcomgiftshop gift voucher, voucher, coupon, store credit, discount, deposit, bottle deposit, bank charge,
bank fee, payment fee, paypal fee, transaction fee, service fee, surcharge, tip, rounding, manual,
manual correction, correction, adjustment, samples, sample, cruk commission, versand, versandkosten,
versandkostenpauschale, porto, fracht, lieferkosten, gutschein, geschenkgutschein, rabatt, pfand, nachnahme,
nachnahmegebühr, bankgebühren, bearbeitungsgebühr, rundung, trinkgeld, frais de port, frais d'expédition,
frais de livraison, livraison, bon d'achat, carte cadeau, chèque cadeau, remise, consigne, frais bancaires,
envío, envio, gastos de envío, gastos de envio, tarjeta regalo, vale regalo, descuento, flete, frete,
vale presente, desconto, spedizione, spese di spedizione, costi di spedizione, buono regalo, buono sconto,
sconto, verzendkosten, verzending, bezorgkosten, cadeaubon, waardebon, korting, statiegeld, 运费, 邮费, 快递费,
手续费, 优惠券, 礼品卡, 折扣, 押金, 補差價, 补差价, 運費, 送料, 配送料, 手数料, 代引手数料, クーポン, ギフト券
"""
# Codes of a well-known British shop that elsewhere may be articles: they count only beside one of its longer codes.
_SHORT = ("m", "d", "s", "b", "c2", "pads", "cruk")
_BESIDE = ("post", "dot", "bank charges", "amazonfee", "adjust", "adjust2")
_PATTERN = r"^(gift_[0-9_]+|test[0-9]+)$"


class ServiceLine(NamedTuple):
    """A product code that is no product: its rows, their money, and whether they are used."""

    code: str
    rows: int
    money: float
    used: bool


def refuse_unknown_choice(service_lines: str) -> None:
    """Refuse what is not a choice of ``service_lines``."""
    if service_lines not in CHOICES:
        raise InputError(f"`service_lines` is {service_lines!r}; give 'keep' or 'drop'.")


def use_service_lines(
    rows: ibis.Table, service_lines: str, assumed: list[str]
) -> tuple[ibis.Table, tuple[ServiceLine, ...]]:
    """Return lines of which service lines are set aside if asked for, and the service lines, by their money.

    Parameters
    ----------
    rows : ibis.Table
        Parsed lines with ``product``, ``amount`` and ``reason``.
    service_lines : str
        "keep" or "drop".
    assumed : list of str
        Gains a sentence where there are service lines and they are kept.
    """
    import ibis

    keep = service_lines == "keep"
    found = _find(rows) if rows.product.type().is_string() else []
    if not found:
        return rows, ()
    if keep:
        assumed.append(
            say(
                "lines of postage, fees, vouchers and corrections count as sales; `service_lines` drop leaves them out"
            )
        )
    else:
        text = parse_text(rows.product)
        is_service = ibis.or_(*(text == row["code"] for row in found)).fill_null(False)
        rows = rows.mutate(reason=rows.reason.fill_null(is_service.ifelse(SERVICE_LINE, ibis.null("string"))))
    return rows, tuple(
        ServiceLine(row["code"], row["rows"], round(float(row["money"]), 4), keep) for row in found
    )


def _find(rows: ibis.Table) -> list[dict[str, Any]]:
    """Return the service codes as they are written, with rows and money of each."""
    usable = rows.filter(rows.reason.isnull()).mutate(code=parse_text(rows.product))
    plain = usable.code.lower().re_replace(r"[ _-]+", " ")
    usable = usable.mutate(plain=plain).filter(_is_service(usable.code, plain))
    counted = usable.group_by("code", "plain").aggregate(
        rows=usable.count(), money=usable.amount.cast(MONEY).sum()
    )
    found = counted.to_pyarrow().to_pylist()
    if not any(row["plain"] in _BESIDE for row in found):
        found = [row for row in found if row["plain"] not in _SHORT]
    return sorted(found, key=lambda row: (-abs(row["money"]), row["code"]))


def _is_service(code: ir.StringColumn, plain: ir.StringColumn) -> ir.BooleanColumn:
    words = [word.strip() for word in _WORDS.split(",")]
    return plain.isin([*words, *_SHORT]) | code.lower().re_search(_PATTERN)
