"""Rows with an order status come in; the statuses, and which of them count as sales, go out.

What a word means is decided once for each status and not for each row, so that every engine decides alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.ids import id_text, parse_id
from duramen.data.purchase_days import MONEY
from duramen.errors import InputError
from duramen.language import marked, say, urgent

if TYPE_CHECKING:
    import ibis
    from ibis import ir

NOT_A_SALE = marked("unpaid or refunded order")
# A column with more different values than this has something else, such as remarks.
MOST_STATUSES = 1000
NO_STATUS = marked("(none)")

# The words of common shop systems, without the marks that separate their parts: see ``compact``.
_USED = """
paid, partially paid, partly paid, fully paid, complete, completed, done, finished, fulfilled,
partially fulfilled, unfulfilled, shipped, partially shipped, shipping, unshipped, in transit, out for delivery,
dispatched, despatched, delivered, partially delivered, processing, in process, in progress, processed,
invoiced, approved, confirmed, accepted, settled, captured, success, successful, succeeded, sold, archived,
ready to ship, ready for pickup, picked up, packed, sent, payment accepted, payment received,
remote payment accepted, processing in progress, preparation in progress, on backorder (paid),
awaiting shipment, awaiting fulfillment, awaiting pickup, shipped - delivered to buyer, shipped - picked up,
shipped - out for delivery, bezahlt, teilweise bezahlt, komplett bezahlt, versendet, versandt, verschickt,
teilweise versendet, geliefert, ausgeliefert, zugestellt, in zustellung, abgeschlossen, komplett abgeschlossen,
erledigt, fertig, fertiggestellt, in bearbeitung, bearbeitet, bestätigt, bestaetigt, versandbereit,
zahlung eingegangen, zahlung erhalten, terminé, terminée, payé, payée, expédié, expédiée, livré, livrée,
en cours, en cours de traitement, en cours de préparation, en préparation, traité, traitée, validé, validée,
confirmé, confirmée, paiement accepté, facturé, facturée, completado, completada, pagado, pagada, enviado,
enviada, entregado, entregada, procesando, en proceso, confirmado, confirmada, facturado, facturada,
pago aceptado, concluído, concluido, pago, paga, entregue, processando, em processamento, faturado, aprovado,
completato, pagato, spedito, consegnato, evaso, in lavorazione, voltooid, afgerond, betaald, verzonden,
geleverd, bezorgd, in behandeling, verwerkt, 已完成, 已发货, 已付款, 已支付, 交易成功, 交易完成, 已签收, 待发货,
处理中, 已收货, 待收货, 卖家已发货, 买家已付款, 已评价, 待评价, 已送达, 已出貨, 已發貨, 已送達, 待出貨, 完了,
credit note, credit memo, gutschrift, avoir, nota di credito, nota de crédito, creditnota,
発送済み, 支払い済み, 入金済み
"""
_PARTIALLY_REFUNDED = """
partially refunded, partly refunded, partial refund, teilweise erstattet, teilerstattet,
teilweise rückerstattet, partiellement remboursé, partiellement remboursée, parcialmente reembolsado,
parzialmente rimborsato, gedeeltelijk terugbetaald, 部分退款
"""
_UNPAID = """
unpaid, not paid, pending, on hold, hold, holded, pending payment, payment pending, awaiting payment,
waiting for payment, payment review, pending review, awaiting check payment, awaiting cheque payment,
awaiting bank wire payment, awaiting bank transfer, awaiting bank wire, awaiting cash on delivery validation,
on backorder (not paid), authorized, authorised, partially authorized, expired, draft, checkout draft, checkout,
open, overdue, past due, reminded, unconfirmed, created, payment error, failed, failure, payment failed,
declined, rejected, denied, invalid, abandoned, incomplete, fraud, suspected fraud,
pending - waiting for pick up, manual verification required, quote, quotation, offen, ausstehend, unbezahlt,
nicht bezahlt, zahlung ausstehend, zahlung offen, wartet auf zahlung, warten auf zahlung, in wartestellung,
wartend, entwurf, fehlgeschlagen, zahlung fehlgeschlagen, abgelehnt, abgelaufen, autorisiert, gemahnt,
en attente, en attente de paiement, en attente de virement bancaire, attente paiement, impayé, impayée, échoué,
échouée, échec, refusé, refusée, brouillon, expiré, expirée, erreur de paiement, pendiente, pendiente de pago,
en espera, fallido, fallida, rechazado, rechazada, impagado, no pagado, borrador, caducado, expirado, pendente,
aguardando, aguardando pagamento, falhou, falhado, malsucedido, recusado, in attesa, in attesa di pagamento,
in sospeso, fallito, non pagato, bozza, rifiutato, scaduto, in afwachting, in afwachting van betaling,
wachten op betaling, wachtend op betaling, in de wacht, onbetaald, openstaand, mislukt, concept, verlopen,
geweigerd, 待付款, 未付款, 等待买家付款, 未支付, 待支付, 支付失败, 付款失败, 已过期, 待审核, 付款失敗, 未払い,
入金待ち
"""
_CANCELLED = """
cancelled, canceled, cancel, cancellation, void, voided, deleted, trash, unavailable, cancelled by customer,
canceled by customer, cancelled by buyer, canceled by buyer, cancelled by seller, canceled by seller, storniert,
storno, abgebrochen, annulliert, gelöscht, annulé, annulée, cancelado, cancelada, anulado, anulada, annullato,
cancellato, geannuleerd, 已取消, 取消, 交易关闭, 已关闭, 交易取消, 订单取消, 交易關閉, キャンセル,
キャンセル済み
"""
_REFUNDED = """
refunded, refund, fully refunded, returned, return, chargeback, charged back, reversed, returned to sender,
shipped - returned to seller, shipped - returning to seller, shipped - rejected by buyer,
shipped - lost in transit, shipped - damaged, erstattet, rückerstattet, rueckerstattet, zurückerstattet,
gutgeschrieben, retourniert, retoure, zurückgesendet, zurückgeschickt, remboursé, remboursée, retourné,
retournée, reembolsado, reembolsada, devuelto, devuelta, devolvido, estornado, rimborsato, reso, restituito,
terugbetaald, geretourneerd, 已退款, 退款, 退款成功, 全额退款, 已退货, 退货, 退货退款, 已退貨, 退貨, 返金済み,
返品
"""
# Finished for some systems; refunded for Magento, which calls finished orders complete.
_CLOSED = "closed"
_COMPLETE = ("complete", "completed")


class Status(NamedTuple):
    """A status of the orders: its rows that can be used, their money, and whether they count as sales."""

    status: str
    rows: int
    money: float
    used: bool


_NETTED = marked(
    "rows with the status {statuses} in column {column} have negative amounts only and are netted as returns; "
    "`status_used` sets which statuses count"
)
_IN_FULL = marked(
    "rows with the status {statuses} in column {column} count in full: what was refunded is not known; `status_used` "
    "sets which statuses count"
)
_NOT_KNOWN = marked(
    "rows with the status {statuses} in column {column} are not known order statuses and count as sales; `status_used` "
    "sets which statuses count"
)


def compact(word: str) -> str:
    """Return a status in the one form in which words are compared.

    Examples
    --------
    >>> compact("wc-on-hold"), compact(" Partially_Paid"), compact("Annulée"), compact("已退款")
    ('onhold', 'partiallypaid', 'annulee', '已退款')
    """
    plain = unicodedata.normalize("NFKD", word.strip().casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "", re.sub(r"^wc[-_ ]", "", plain))


def _words(text: str) -> dict[str, str]:
    return {compact(word): word.strip() for word in text.split(",")}


_MEANINGS = {
    word: meaning
    for meaning, text in (
        ("used", _USED),
        ("partially refunded", _PARTIALLY_REFUNDED),
        ("unpaid", _UNPAID),
        ("cancelled", _CANCELLED),
        ("refunded", _REFUNDED),
    )
    for word in _words(text)
}


def meaning_of(status: str, others: Iterable[str] = ()) -> str:
    """Return what a status means: used, partially refunded, unpaid, cancelled, refunded or unknown.

    Parameters
    ----------
    status : str
    others : iterable of str
        All statuses of the source. ``closed`` is a refunded order where finished ones are called complete, as Magento
        does, and else a finished one.

    Examples
    --------
    >>> meaning_of("wc-processing"), meaning_of("STORNIERT"), meaning_of("closed"), meaning_of("17")
    ('used', 'cancelled', 'used', 'unknown')
    >>> meaning_of("closed", ["closed", "complete"])
    'refunded'
    """
    word = compact(status)
    if word == _CLOSED:
        return "refunded" if any(compact(other) in _COMPLETE for other in others) else "used"
    return _MEANINGS.get(word, "unknown")


def use_statuses(
    rows: ibis.Table, column: str, given: Sequence[str] | None, name: str, assumed: list[str]
) -> tuple[ibis.Table, tuple[Status, ...]]:
    """Set aside the rows whose status is no sale, and return all statuses, the most frequent first.

    Parameters
    ----------
    rows : ibis.Table
        Parsed lines with ``status``, ``amount`` and ``reason``; only those without a reason are counted.
    column : str
        The source column, for messages.
    given : sequence of str, optional
        The statuses that count as sales; by default what their words mean.
    name : str
        How messages call the source.
    assumed : list of str
        Gains a sentence on what was decided.

    Raises
    ------
    InputError
        If a given status is not in the data, or the column has so many values that they are no statuses.
    """
    import ibis

    text = id_text(parse_id(rows.status))
    counted = _count(rows.mutate(status_text=text))
    if len(counted) > MOST_STATUSES:
        raise InputError(
            f"column {column!r} of {name} has more than {MOST_STATUSES:,} different values (for example "
            f"{counted[0]['status']!r}), which are not order statuses; name another column for the role status in "
            "`columns`, or leave it out by an empty name."
        )
    words = [row["status"] for row in counted if row["status"] is not None]
    used = (
        _by_meaning(counted, words, column, assumed)
        if given is None
        else _by_name(given, words, column, name)
    )
    dropped = [word for word in words if word not in used]
    if dropped:
        # Each as a comparison, since a list is a join to DuckDB.
        no_sale = ibis.or_(*(text == word for word in dropped)).fill_null(False)
        rows = rows.mutate(reason=rows.reason.fill_null(no_sale.ifelse(NOT_A_SALE, ibis.null("string"))))
    return rows, tuple(
        Status(
            row["status"] or NO_STATUS,
            row["rows"],
            round(float(row["money"] or 0), 4),
            row["status"] not in dropped,
        )
        for row in counted
    )


def sale_first(status: ir.Column, given: Sequence[str] | None) -> ir.IntegerValue:
    """Return 0 for rows whose status counts as a sale and 1 for others, to sort by."""
    import ibis

    text = id_text(parse_id(status))
    found = text.name("word").as_table().distinct().limit(MOST_STATUSES + 1).to_pyarrow()
    words = [word for word in found["word"].to_pylist() if word is not None]
    if given is None:
        dropped = [word for word in words if meaning_of(word, words) in ("unpaid", "cancelled", "refunded")]
    else:
        dropped = sorted(set(words) - {word for asked in given for word in _spellings(asked, words)})
    return ibis.or_(ibis.literal(False), *(text == word for word in dropped)).fill_null(False).cast("int8")


def _count(rows: ibis.Table) -> list[dict[str, Any]]:
    usable = rows.filter(rows.reason.isnull())
    counted = usable.group_by(status=usable.status_text).aggregate(
        rows=usable.count(),
        money=usable.amount.cast(MONEY).sum(),
        sales=(usable.amount > 0).sum(),
        returns=(usable.amount < 0).sum(),
    )
    counted = counted.order_by(counted.rows.desc(), counted.status).limit(MOST_STATUSES + 1)
    found: list[dict[str, Any]] = counted.to_pyarrow().to_pylist()
    return found


def _by_meaning(
    counted: Sequence[Mapping[str, Any]], words: Sequence[str], column: str, assumed: list[str]
) -> set[str]:
    """Return the statuses that count as sales by what their words mean."""
    meanings = {word: meaning_of(word, words) for word in words}
    used = {
        word for word, meaning in meanings.items() if meaning in ("used", "partially refunded", "unknown")
    }
    # Refunds booked as rows of their own, whose sales have another status, must net.
    reversals = {
        row["status"]
        for row in counted
        if meanings.get(row["status"]) in ("cancelled", "refunded") and row["returns"] and not row["sales"]
    }
    if len(used | reversals) < len(words):
        assumed.append(
            say(
                "orders that are unpaid, cancelled or refunded by column {column} are no sales; `status_used` sets "
                "which statuses count",
                column=repr(column),
            )
        )
    for which, text in (
        (reversals, _NETTED),
        (_of(meanings, "partially refunded"), _IN_FULL),
        (_of(meanings, "unknown"), _NOT_KNOWN),
    ):
        if which:
            sentence = say(text, statuses=_said_list(list(which)), column=repr(column))
            assumed.append(sentence if text == _NETTED else urgent(sentence))
    return used | reversals


def _by_name(given: Sequence[str], words: Sequence[str], column: str, name: str) -> set[str]:
    """Return the statuses that are named."""
    used: set[str] = set()
    for asked in given:
        found = _spellings(asked, words)
        if not found:
            raise InputError(
                f"no row of {name} that can be used has the status {asked!r} in column {column!r}; the statuses are "
                f"{_listed(words)}; choose among them by `status_used`."
            )
        used |= found
    return used


def _spellings(asked: str, words: Sequence[str]) -> set[str]:
    """Return a status in every spelling of a known word, and else as it is written."""
    found = {word for word in words if word == asked.strip()}
    if not found or compact(asked) in _MEANINGS:
        found |= {word for word in words if compact(word) == compact(asked)}
    return found


def parse_names(names: str | Iterable[str]) -> list[str]:
    """Return names that may be given one by one or separated by commas.

    Examples
    --------
    >>> parse_names(["paid, shipped", "complete"])
    ['paid', 'shipped', 'complete']
    """
    parts = [names] if isinstance(names, str) else names
    return [name.strip() for part in parts for name in part.split(",") if name.strip()]


def _of(meanings: Mapping[str, str], meaning: str) -> list[str]:
    return [word for word, its in meanings.items() if its == meaning]


def _said_list(words: Sequence[str]) -> str:
    """Return words as a sentence lists them."""
    listed = ", ".join(map(repr, words[:12]))
    return (
        say("{listed} and {count} more", listed=listed, count=f"{len(words) - 12:,}")
        if len(words) > 12
        else listed
    )


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    more = f" and {len(words) - 12:,} more" if len(words) > 12 else ""
    return ", ".join(map(repr, words[:12])) + more
