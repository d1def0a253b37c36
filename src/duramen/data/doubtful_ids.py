"""Purchase days come in; sentences about ids that may be many people, a test, or a customer twice go out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.ids import id_text, is_email, parse_id
from duramen.data.money_unit import unit_in_words
from duramen.language import Sentence, marked, say, say_count, urgent

if TYPE_CHECKING:
    import ibis

# What tills and shops write where they do not know the customer, and nowhere else.
_GUESTS = re.compile(
    r"(guest|g[aä]st|anonym\w*|an[oó]nim[oae]|walk.?in|cash|unknown|unbekannt\w*|invit[eé]e?|inconnue?|ospite|sconosciut[oa]"
    r"|invitad[oa]|desconocid[oa]|convidad[oa]|desconhecid[oa]|h[oó]spede|onbekend\w*|gość|bar(verkauf|kunde|zahler)"
    r"|lauf(kunde|kundschaft)|散客|游客|匿名|未知|非会员|非会員|ゲスト)"
    r"[ _-]*(customer|user|account|sale|order|checkout|kunde|konto|bestellung|客户|用户)?s?[ _-]*[0-9]*",
    re.IGNORECASE,
)
# What systems fill in, which may be an id too.
_FILLED_IN = re.compile(
    r"(default|customer|none|no ?name|n\.a\.|0+|-?1|9{4,}|[(\[]?null[)\]]?|undefined|missing|\?+"
    r"|#(null|ref|value|name)[!?]?)([ _-]?(customer|user|account|sale|checkout))?",
    re.IGNORECASE,
)
# What stands in front of the sum of the rows above it.
_SUMS = (
    r"^[^\p{L}]*((grand|sub)?[ _-]?totals?|(zwischen|gesamt|end|monats|jahres)?summe|gesamt|insgesamt|sous[ _-]?total"
    r"|subtotale?|suma|somme|totale|totaal|subtotaal|合计|小计|总计|合計|小計|総計|總計)[^\p{L}]*$"
)
# A word of its own in an id without the domain of an e-mail address, in small letters.
_TEST = (
    r"(^|[^\p{L}])(test(s|er|ing|user|account|customer|order|kunde|konto|bestellung|client|cliente)?|dummy|demo|sample)"
    r"($|[^\p{L}])|测试|テスト"
)
# More are how the source names its customers.
MOST_TESTS = 0.1
# Small letters, capitals, or words with a capital in front: what people type, and codes of random letters are not.
_TYPED = r"^[^\p{Ll}]*$|^[^\p{L}]*(\p{L}\p{Ll}*([^\p{L}]+|$))*$"
# Compared with the median of the customers with the most lines, a placeholder has this many times as many.
MOST_ACTIVE = 100
TIMES, TIMES_FILLED_IN, TIMES_OF_GUEST = 20, 5, 2
SHARE, SHARE_FILLED_IN = 0.05, 0.01
# One of this many customers or more has not a tenth of all lines.
MANY, SHARE_OF_MANY = 100, 0.10
# The first has not that many times as many lines as the second, where it has a share of them all.
TIMES_OF_NEXT, TIMES_OF_FIRST, SHARE_OF_FIRST = 3, 10, 0.01
# Of fewer customers, one may well have most of the lines.
FEWEST_CUSTOMERS = 20
MOST_SENTENCES = 5
MOST_NAMED = 10


class _Names(NamedTuple):
    """How sentences name ids: the column that has them, and whether they must not be shown."""

    column: str
    hidden: bool

    def example(self, *ids: str) -> str:
        """Return an id, or two that are alike, behind what they are an example of."""
        if self.hidden:
            return ""
        if len(ids) == 1:
            return say(" (such as {id})", id=repr(ids[0]))
        return say(" (such as {one} and {other})", one=repr(ids[0]), other=repr(ids[1]))

    def remedy(self, ids: Sequence[str]) -> str:
        """Return how to leave out the rows of ids."""
        if self.hidden:
            return say("without `hash_ids` they are named")
        if any("," in text for text in ids):
            # Which separates the values of a condition.
            return say("leave these rows out of the source")
        return say(
            "`where` {condition} leaves these rows out", condition=repr(f"{self.column}!={','.join(ids)}")
        )


def describe_ids(days: ibis.Table, column: str, unit: str, *, hidden: bool = False) -> list[str]:
    """Return a sentence for each id that may be many people, and those on other doubtful ids.

    Doubtful are words for sums, names of tests, and ids that differ in case or in zeros in front alone.

    Parameters
    ----------
    days : ibis.Table
        ``customer_id``, ``lines`` and ``net`` of each purchase day, or of each line.
    column : str
        Column of the source with the ids.
    unit : str
        Unit of money.
    hidden : bool
        Whether ids must not be shown.
    """
    names = _Names(column, hidden)
    sums = days.group_by("customer_id").aggregate(lines=days.lines.sum(), net=days.net.sum())
    customers = sums.select("lines", "net", id=id_text(sums.customer_id))
    most = _first(customers, "lines", MOST_ACTIVE)
    if not most or not most[0]["all_lines"]:
        return []
    sentences = _many_people(most, names)
    if days.customer_id.type().is_string():
        sentences += [
            *_sums(customers, unit, names),
            *_tests(customers, most[0]["customers"], unit, names),
            *_twins(customers, names),
        ]
    return [urgent(sentence) for sentence in sentences]


def _first(customers: ibis.Table, column: str, most: int) -> list[dict[str, Any]]:
    """Return the customers with most of a column, each with the number, lines and money of all."""
    import ibis

    every = ibis.window(group_by=None)
    sums = customers.mutate(
        customers=customers.count().over(every),
        all_lines=customers.lines.sum().over(every),
        all_money=customers.net.sum().over(every),
    )
    found: list[dict[str, Any]] = sums.order_by(ibis.desc(column), "id").limit(most).to_pyarrow().to_pylist()
    return found


def _many_people(most: Sequence[Mapping[str, Any]], names: _Names) -> list[Sentence]:
    """Return a sentence for each id that is called as guests are, or has an unlikely share of the lines."""
    usual = max(float(most[len(most) // 2]["lines"]), 1.0)
    following = [*(row["lines"] for row in most[1:2]), 0]
    found: list[Sentence] = []
    for place, row in enumerate(most):
        share, times = row["lines"] / row["all_lines"], row["lines"] / usual
        is_guest = _GUESTS.fullmatch(row["id"])
        is_far_ahead = not place and row["lines"] >= TIMES_OF_NEXT * following[0]
        unlikely = len(most) >= FEWEST_CUSTOMERS and (
            (_FILLED_IN.fullmatch(row["id"]) and share >= SHARE_FILLED_IN and times >= TIMES_FILLED_IN)
            or (share >= SHARE and times >= TIMES)
            or (share >= SHARE_OF_MANY and row["customers"] > MANY)
            or (is_far_ahead and share >= SHARE_OF_FIRST and times >= TIMES_OF_FIRST)
        )
        if unlikely or (is_guest and times >= TIMES_OF_GUEST):
            found.append(
                say(
                    "customer {customer} accounts for {share} of the lines and may stand for many people; it is used "
                    "as one customer ({remedy})",
                    customer=say("(hashed)") if names.hidden else repr(row["id"]),
                    share=f"{share:.0%}" if share >= 0.01 else f"{share:.1%}",
                    remedy=names.remedy([row["id"]]),
                )
            )
    return found[:MOST_SENTENCES]


def _sums(customers: ibis.Table, unit: str, names: _Names) -> Iterator[Sentence]:
    """Give a sentence on ids that are the word for a sum of other rows."""
    found = _first(customers.filter(customers.id.lower().re_search(_SUMS)), "net", MOST_NAMED)
    if found:
        one = marked(
            "{n} customer id is the word for a sum{example}: {lines} lines with {money} {unit} count as sales a "
            "second time ({remedy})"
        )
        many = marked(
            "{n} customer ids are words for a sum{example}: {lines} lines with {money} {unit} count as sales a "
            "second time ({remedy})"
        )
        yield _with_money(one, many, found, unit, names)


def _tests(customers: ibis.Table, all_customers: int, unit: str, names: _Names) -> Iterator[Sentence]:
    """Give a sentence on ids that look like those of test accounts."""
    own_words = customers.id.lower().re_replace("@.*", "")
    found = _first(customers.filter(own_words.re_search(_TEST)), "net", MOST_NAMED)
    if found and found[0]["customers"] <= MOST_TESTS * all_customers:
        one = marked(
            "{n} customer id looks like a test account{example}: {lines} lines with {money} {unit} count as sales "
            "({remedy})"
        )
        many = marked(
            "{n} customer ids look like test accounts{example}: {lines} lines with {money} {unit} count as sales "
            "({remedy})"
        )
        yield _with_money(one, many, found, unit, names)


def _with_money(
    one: str, many: str, found: Sequence[Mapping[str, Any]], unit: str, names: _Names
) -> Sentence:
    """Return a sentence on some customers with their lines, their money, and how to leave them out."""
    ids = [row["id"] for row in found]
    return say_count(
        one,
        many,
        found[0]["customers"],
        example=names.example(ids[0]),
        lines=f"{found[0]['all_lines']:,}",
        money=f"{found[0]['all_money']:,.0f}",
        unit=unit_in_words(unit),
        remedy=names.remedy(ids),
    )


def _twins(customers: ibis.Table, names: _Names) -> Iterator[Sentence]:
    """Give a sentence on ids that are one but for case, as people type them, or for zeros in front."""
    typed = customers.filter(customers.id.re_search(_TYPED))
    is_number = typed.id.re_search("^[0-9]+$")
    typed = typed.mutate(folded=is_number.ifelse(typed.id.re_replace("^0+", ""), typed.id.lower()))
    alike = typed.group_by("folded").aggregate(ids=typed.count(), one=typed.id.min(), other=typed.id.max())
    alike = alike.filter(alike.ids > 1)
    found = alike.aggregate(more=(alike.ids - 1).sum(), first=alike.folded.min()).to_pyarrow().to_pylist()[0]
    if not found["more"]:
        return
    example = alike.filter(alike.folded == found["first"]).to_pyarrow().to_pylist()[0]
    yield say_count(
        "{n} customer id differs from another only in case or in zeros in front{example} and counts as a customer of "
        "its own; if they are one customer, write them alike in column {column}",
        "{n} customer ids differ from others only in case or in zeros in front{example} and count as customers of "
        "their own; if they are one customer, write them alike in column {column}",
        found["more"],
        example=names.example(example["one"], example["other"]),
        column=repr(names.column),
    )


def describe_emails(lines: ibis.Table, *, hidden: bool = False) -> list[str]:
    """Return a sentence where e-mail addresses that differ in case alone were taken as one customer.

    Parameters
    ----------
    lines : ibis.Table
        Parsed lines with ``raw_customer_id``.
    """
    raw = lines.raw_customer_id
    if not raw.type().is_string():
        return []
    written = lines.select(id=parse_id(raw), came=raw.strip()).filter(lambda table: is_email(table.id))
    once = written.group_by("id").aggregate(ways=written.came.nunique(), example=written.came.min())
    several = once.filter(once.ways > 1)
    found = several.aggregate(more=(several.ways - 1).sum(), example=several.example.min()).to_pyarrow()
    row = found.to_pylist()[0]
    if not row["more"]:
        return []
    return [
        say_count(
            "{n} e-mail address differs from another in case alone{example}: they are taken as one customer",
            "{n} e-mail addresses differ from others in case alone{example}: each is taken as one customer",
            row["more"],
            example=_Names("", hidden).example(row["example"]),
        )
    ]
