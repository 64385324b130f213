"""Names: what a resource, a requester, a task belongs to, and what an action can do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.features.names import area, pattern, peers, power


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("aws/creds/app-write", "aws/creds"),
        ("arn:aws:iam::1:role/deploy", "arn:aws:iam::1:role"),
        ("arn:aws:s3:::bucket", "arn:aws:s3::"),
        ("payments", "payments"),
        ("/leading", "/leading"),
        ("trailing/", "trailing/"),
        ("a/b/", "a"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_an_area_is_what_siblings_share(name: str, head: str) -> None:
    """All but the last segment; a name without segments is its own area."""
    assert area(name) == head


def test_siblings_are_peers() -> None:
    """Identities beside each other in a hierarchy of names are one group, others are not."""
    assert peers("spiffe://prod/app/svc1") == peers("spiffe://prod/app/svc2") != peers("spiffe://prod/ci/svc1")
    assert peers("system:serviceaccount:shop:cart") == peers("system:serviceaccount:shop:till")


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        (("deploy-71", "Deploy-7100", "deploy-0"), "deploy-#"),
        (("job/3f2a9c1d77/step-2", "job/abcdef0123/step-4"), "job/#/step-#"),
        (("nightly",), "nightly"),
    ],
)
def test_runs_of_one_task_are_one_pattern(texts: tuple[str, ...], shared: str) -> None:
    """Numbers and hashes fall away: what every run shares is left."""
    assert {pattern(text) for text in texts} == {shared}


@pytest.mark.parametrize(
    ("action", "can"),
    [
        ("s3:GetObject", "read"),
        ("sts:GetCallerIdentity", "read"),
        ("list", "read"),
        ("s3:PutObject", "write"),
        ("kubernetes:pods/exec create", "write"),
        ("iam:AttachRolePolicy", "admin"),
        ("iam:CreateAccessKey", "admin"),
        ("cloudtrail:StopLogging trail", "admin"),
        ("iam:GetRole", "read"),
        ("", "read"),
    ],
)
def test_an_action_says_what_it_can_do(action: str, can: str) -> None:
    """Read, write or admin, told from the action's name alone; looking at a policy is not changing it."""
    assert power(action) == can


@given(st.text(max_size=200))
def test_any_text_has_an_area_a_pattern_and_a_power(text: str) -> None:
    """No name from a log is too odd to be looked at, and each answer is bounded."""
    assert area(text) in (text, *[text[:end] for end in range(len(text))])
    assert len(pattern(text)) <= 80
    assert power(text) in {"read", "write", "admin"}
    assert pattern(pattern(text)) == pattern(text)
