"""How much is at stake with a resource, by its name."""

from __future__ import annotations

import time

import pytest

from detector.features.sensitivity import DEFAULT_SENSITIVITY_RULES, Sensitivities, SensitivityRule


@pytest.mark.parametrize(
    ("resource", "level"),
    [
        ("aws/creds/prod-admin", "critical"),
        ("arn:aws:iam::1:role/Admin-Production", "critical"),
        ("prod/break-glass", "critical"),
        ("sandbox/breakglass", "critical"),
        ("clusterroles/cluster-admin", "critical"),
        ("arn:aws:iam::1:role/OrganizationAccountAccessRole", "critical"),
        ("sandbox/admin", "low"),
        ("demo/app", "low"),
        ("arn:aws:iam::1:role/Administrator", "high"),
        ("pki/issue/prod", "high"),
        ("prod/kms/key-1", "high"),
        ("prod/payments", "high"),
        ("prod/app/orders", "medium"),
        ("secret/data/s3", "medium"),
        ("app/products", None),
        ("app/reproduce", None),
        ("serviceaccounts/shop/cart", None),
        ("aws/creds/app-write", None),
        ("", None),
    ],
)
def test_the_default_patterns(resource: str, level: str | None) -> None:
    """Production and power together are critical, either alone is less, and words that contain them are nothing."""
    assert Sensitivities(DEFAULT_SENSITIVITY_RULES).level(resource) == level


def test_the_first_pattern_that_is_found_decides() -> None:
    """The operator's own patterns go before the built-in ones."""
    own = SensitivityRule("prod-admin", "low")
    assert Sensitivities((own, *DEFAULT_SENSITIVITY_RULES)).level("aws/creds/prod-admin") == "low"


def test_a_wrong_pattern_is_quoted() -> None:
    """At the start, not at the first resource that meets it."""
    with pytest.raises(ValueError, match=r"sensitivity pattern '\(' is no regular expression"):
        Sensitivities((SensitivityRule("(", "low"),))


@pytest.mark.parametrize("word", ["prod-", "prod/secret/", "admin ", "live.kms-"])
def test_a_name_takes_no_longer_than_its_length(word: str) -> None:
    """Full of what patterns look for, four times as long: it takes some four times as long, not the square."""
    look = Sensitivities(DEFAULT_SENSITIVITY_RULES)._found
    taken = []
    for length in (2_048, 8_192):
        name = (word * length)[: length - 1] + "!"
        began = time.process_time()
        for _ in range(20):
            look(name)
        taken.append(time.process_time() - began)
    assert taken[1] < 10 * taken[0] + 0.1
