"""Who an event is about, as RFC 9493 and Shared Signals write it, and which subjects match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from detector.engine.records import Announced

Subject: TypeAlias = Mapping[str, Any]
"""A subject identifier: its `format`, and the members that this has."""

FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "account": ("uri",),
    "did": ("url",),
    "email": ("email",),
    "iss_sub": ("iss", "sub"),
    "jwt_id": ("iss", "jti"),
    "opaque": ("id",),
    "phone_number": ("phone_number",),
    "saml_assertion_id": ("issuer", "assertion_id"),
    "uri": ("uri",),
}
"""The members of simple formats: RFC 9493, and the two that Shared Signals adds."""

COMPLEX: Final = "complex"


def subject_of(announced: Announced, *, issuer: str) -> Subject:
    """Who an announcement is about; `issuer` is our own URL, under which requesters have their canonical names.

    A credential whose issuer is itself a URL is a token with an id, `jwt_id`. Of any other only its issuer knows
    what its name means: a complex subject says whose session it is, at which issuer, under
    which name. A risk is its requester's.

    >>> risk = Announced(kind="risk_level_change", code="risk", requester="ci/a", issuer="v", cause="", because="")
    >>> subject_of(risk, issuer="https://assayer.example")
    {'format': 'iss_sub', 'iss': 'https://assayer.example', 'sub': 'ci/a'}
    """
    user = {"format": "iss_sub", "iss": issuer, "sub": announced.requester}
    if announced.credential is None:
        return user
    if announced.issuer.startswith("https://"):
        return {"format": "jwt_id", "iss": announced.issuer, "jti": announced.credential}
    return {
        "format": COMPLEX,
        "session": {"format": "opaque", "id": announced.credential},
        "user": user,
        "issuer": {"format": "opaque", "id": announced.issuer},
    }


def matches(one: Subject, other: Subject) -> bool:
    """Whether two subjects match, as SSF 1.0 (8.1.3.1) has it.

    Simple ones when they are identical; complex ones when every member that both define is identical.
    """
    if one.get("format") == COMPLEX and other.get("format") == COMPLEX:
        return all(one[member] == other[member] for member in one if member in other)
    return one == other


def checked(subject: Any, *, where: str = "subject") -> Subject:
    """The subject itself; raises `ValueError` naming the member that is wrong.

    A format that neither RFC 9493 nor Shared Signals knows is let pass: two parties may have agreed on it.
    """
    if not isinstance(subject, Mapping) or not isinstance(subject.get("format"), str) or not subject["format"]:
        raise ValueError(f"{where}.format: names the subject identifier's format")
    if subject["format"] == COMPLEX:
        members = [member for member in subject if member != "format"]
        if not members:
            raise ValueError(f"{where}: a complex subject has one member at least")
        for member in members:
            if isinstance(subject[member], Mapping) and subject[member].get("format") == COMPLEX:
                raise ValueError(f"{where}.{member}.format: a complex subject is made of simple ones")
            checked(subject[member], where=f"{where}.{member}")
        return subject
    for member in FORMATS.get(subject["format"], ()):
        if not isinstance(subject.get(member), str) or not subject[member]:
            raise ValueError(f"{where}.{member}: {subject['format']} needs it, as a string")
    return subject
