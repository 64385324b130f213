"""Subject identifiers to the letter of RFC 9493 and Shared Signals 1.0, with the standard's own examples."""

from __future__ import annotations

from typing import Any

import pytest

from detector.signals.subjects import FORMATS, checked, matches, subject_of
from tests.signals.conftest import ISSUER, revoked, risen

EMAIL = {"format": "email", "email": "jdoe@example.com"}
TENANT = {"format": "opaque", "id": "example-a38h4792-uw2"}


def test_a_credential_of_an_issuer_with_a_name_of_its_own_is_a_complex_subject() -> None:
    """Whose session, at which issuer, under which name.

    SSF 1.0, 3.3: "The name of the format field is "format", and its value is "complex"", 3.3.1: "All members within
    a Complex Subject MUST represent attributes of the same Subject Principal." Interop, 2.5: transmitters "MUST be able
    to send events with at least one of" email and iss_sub.
    """
    subject = subject_of(revoked(), issuer=ISSUER)
    assert subject["format"] == "complex"
    assert subject["session"] == {"format": "opaque", "id": "c1"}
    assert subject["user"] == {"format": "iss_sub", "iss": ISSUER, "sub": "spiffe://prod/app/svc1"}
    assert subject["issuer"] == {"format": "opaque", "id": "vault:prod/aws"}
    checked(subject)


def test_a_token_of_an_issuer_with_a_url_is_a_jwt_id() -> None:
    """Such a credential has a name that everybody can check.

    SSF 1.0, 3.5.1: "Subject Identifiers of this type MUST contain the following members: iss, jti", under the name
    "jwt_id".
    """
    subject = subject_of(revoked(issuer="https://idp.example.com/123456789/", credential="B70BA622"), issuer=ISSUER)
    assert subject == {"format": "jwt_id", "iss": "https://idp.example.com/123456789/", "jti": "B70BA622"}


def test_a_risk_is_its_requesters() -> None:
    """Under our own name for it: RFC 9493, 3.2.4, wants both an issuer and a subject."""
    assert subject_of(risen(), issuer=ISSUER) == {
        "format": "iss_sub",
        "iss": ISSUER,
        "sub": "spiffe://prod/app/svc1",
    }


@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        ({"format": "complex", "tenant": TENANT}, {"format": "complex", "tenant": TENANT, "user": EMAIL}, True),
        (
            {"format": "complex", "user": EMAIL, "device": {"format": "ip-addresses", "ip-addresses": ["10.29.37.75"]}},
            {"format": "complex", "user": EMAIL},
            True,
        ),
        (
            {"format": "complex", "user": EMAIL, "group": {"format": "did", "url": "did:example:123456"}},
            {"format": "complex", "user": EMAIL, "group": {"format": "did", "url": "did:example:9999999"}},
            False,
        ),
        (EMAIL, dict(EMAIL), True),
        (EMAIL, {"format": "email", "email": "other@example.com"}, False),
        (EMAIL, {"format": "complex", "user": EMAIL}, False),
    ],
)
def test_subjects_match_as_the_standard_has_it(one: Any, other: Any, *, match: bool) -> None:
    """Identical where both say something.

    SSF 1.0, 8.1.3.1: "In the case of Simple Subjects, two subjects match if they are exactly identical. For Complex
    Subjects, two subjects match if, for all fields", one does not define it, or both are identical.
    """
    assert matches(one, other) is match
    assert matches(other, one) is match


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_needs_its_members(name: str) -> None:
    """RFC 9493, 3: a subject identifier of a format has all of its members, and they are strings."""
    whole = {"format": name, **dict.fromkeys(FORMATS[name], "x")}
    assert checked(whole) == whole
    for member in FORMATS[name]:
        for wrong in ({key: value for key, value in whole.items() if key != member}, {**whole, member: 7}):
            with pytest.raises(ValueError, match=rf"^subject\.{member}: "):
                checked(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"format": ""},
        {"format": 3},
        "email",
        {"format": "complex"},
        {"format": "complex", "user": {"format": "complex", "user": EMAIL}},
        {"format": "complex", "user": "jdoe"},
    ],
)
def test_what_is_no_subject_is_refused(wrong: Any) -> None:
    """Each with the member that is wrong."""
    with pytest.raises(ValueError, match=r"^subject"):
        checked(wrong)


def test_a_format_that_two_parties_agreed_on_is_let_pass() -> None:
    """SSF 1.0, 3.4: "A proprietary subject identifier format that is agreed to between parties"."""
    assert checked({"format": "catalog_item", "catalog_id": "c0384/winter/2354122"})
