"""Exact money: decimals with two places, and the only reading of an amount from text.

It may not touch the world, and it never meets a float: on import it traps any mixing of
`Decimal` with `float`, so that a mistake raises instead of rounding.
"""

import decimal
import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST = Decimal("999999999999.99")

for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.traps[decimal.FloatOperation] = True
    _context.prec = max(_context.prec, 28)

_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?", re.ASCII)


class AmountError(ValueError):
    """A text that is not an amount; the message says what is wrong with it."""


def parse_amount(text: str) -> Decimal:
    """The amount a text means, with two decimals, 0.00 to 999,999,999,999.99.

    Raises `AmountError` for signs, exponents, separators, leading zeros, digits that are not
    ASCII, more than two decimals, or anything that is not a plain number.
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text).quantize(CENT)
    raise AmountError(_complaint(text))


def _complaint(text: str) -> str:
    if re.fullmatch(r"[+-].*", text, re.DOTALL):
        return "signs are not accepted in amounts"
    if re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", text, re.ASCII):
        return "exponents are not accepted in amounts"
    if re.fullmatch(r"[0-9]+\.[0-9]{3,}", text, re.ASCII):
        return "an amount has at most two decimals"
    if re.fullmatch(r"0[0-9]+(\.[0-9]*)?", text, re.ASCII):
        return "leading zeros are not accepted in amounts"
    if re.fullmatch(r"[0-9][0-9 ,_']*[0-9](\.[0-9]+)?", text, re.ASCII):
        if len(re.sub(r"\D", "", text.partition(".")[0])) > 12 and text.isascii():
            return "amounts end at 999,999,999,999.99"
        return "separators are not accepted in amounts"
    if text and not text.isascii():
        return "only the digits 0-9 are accepted in amounts"
    return "not an amount"


def exact(value: Decimal) -> Decimal:
    """The same value with two places; raises `AmountError` if that would lose digits."""
    if not value.is_finite() or abs(value) > LARGEST:
        raise AmountError("not an amount in range")
    rounded = value.quantize(CENT)
    if rounded != value:
        raise AmountError("an amount has at most two decimals")
    return rounded


def format_amount(value: Decimal) -> str:
    """Two decimals, no separators: the form of files, formats and the provider."""
    return f"{value:.2f}"


def show_amount(value: Decimal) -> str:
    """Two decimals and thousands separated by commas: the form people read."""
    return f"{value:,.2f}"


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` (> 0) that is not above `value`."""
    return ((value / step).to_integral_value(ROUND_FLOOR) * step).quantize(CENT)


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` (> 0) that is not below `value`."""
    return ((value / step).to_integral_value(ROUND_CEILING) * step).quantize(CENT)


def total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum; 0.00 of nothing."""
    return sum(values, ZERO)


def to_minor(value: Decimal) -> int:
    """Integer minor units (1.00 is 100): the form of the ledger."""
    return int(exact(value).scaleb(2))


def from_minor(value: int) -> Decimal:
    """The amount of that many minor units."""
    return Decimal(value).scaleb(-2).quantize(CENT)
