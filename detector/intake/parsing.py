"""One JSON document from bytes, strictly enough that whatever comes out can be logged again."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

import msgspec

_DECODER: Final = msgspec.json.Decoder()
_OUT_OF_RANGE: Final = "out of range"


class Unparsable(ValueError):
    """Bytes that are no JSON document; the text says why, without quoting them."""


def parse(body: bytes) -> Any:
    """The document. Raises `Unparsable`.

    >>> parse(b'{"a": 1e999}')
    {'a': '1e999'}
    """
    try:
        return _DECODER.decode(body)
    except UnicodeDecodeError:
        raise Unparsable("is not UTF-8") from None
    except RecursionError:
        raise Unparsable("is nested too deeply") from None
    except msgspec.DecodeError as error:
        if _OUT_OF_RANGE in str(error):
            return _with_large_numbers(body)
        raise Unparsable(_plain(str(error))) from None


def _with_large_numbers(body: bytes) -> Any:
    """A document with a number that no float holds: it is kept as its text, for infinity cannot be written as JSON."""
    try:
        return json.loads(body, parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unparsable("is not JSON: a number is out of range") from None


def _finite(digits: str) -> float | str:
    found = float(digits)
    return found if math.isfinite(found) else digits


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _plain(message: str) -> str:
    """msgspec's complaint, without the position's name for whoever does not count bytes.

    >>> _plain("JSON is malformed: invalid character (byte 12)")
    'is not JSON: invalid character at byte 12'
    """
    said = message.removeprefix("JSON is malformed: ")
    if said == "Input data was truncated":
        return "is not JSON: it ends in the middle"
    head, found, tail = said.rpartition(" (byte ")
    return f"is not JSON: {head} at byte {tail.removesuffix(')')}" if found else f"is not JSON: {said}"
