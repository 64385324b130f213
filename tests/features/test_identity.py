"""Who a raw name really is: what folds, and what must never."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities, IdentityRule

UUID = "3f2b8c1e-9a4d-4c77-8e21-5b0d6f9a1c33"
OTHER = "aa11bb22-cc33-4d44-8e55-ff6677889900"

FOLDS = [
    # the session's name is the caller's choice
    ("arn:aws:sts::1:assumed-role/deploy/run-8842", "arn:aws:sts::1:assumed-role/deploy"),
    ("arn:aws:sts::1:assumed-role/deploy/run-8843", "arn:aws:sts::1:assumed-role/deploy"),
    ("arn:aws:sts::111122223333:assumed-role/app/i-0abc123def4567890", "arn:aws:sts::111122223333:assumed-role/app"),
    ("arn:aws:sts::1:assumed-role/app/botocore-session-1698765432", "arn:aws:sts::1:assumed-role/app"),
    ("arn:aws:sts::1:assumed-role/app/a@b.c,=.-_", "arn:aws:sts::1:assumed-role/app"),
    ("arn:aws-us-gov:sts::1:assumed-role/app/s", "arn:aws-us-gov:sts::1:assumed-role/app"),
    ("arn:aws-cn:sts::1:assumed-role/app/s", "arn:aws-cn:sts::1:assumed-role/app"),
    ("AROAEXAMPLEID123:run-8842", "AROAEXAMPLEID123"),
    (f"arn:aws:ecs:eu-west-1:1:task/prod/{'0123456789abcdef' * 2}", "arn:aws:ecs:eu-west-1:1:task/prod"),
    ("arn:aws:sts::1:federated-user/run-8842", "arn:aws:sts::1:federated-user/run"),
    # pods
    ("cart-5d8f9c7b6d-x2x9z", "cart"),
    ("cart-7c9d8f6b5-bcdfg", "cart"),
    ("shop/cart-5d8f9c7b6d-x2x9z", "shop/cart"),
    ("cart-5d8f9c7b6d-x2x9z@node", "cart@node"),
    ("spiffe://prod/ns/shop/pod/cart-5d8f9c7b6d-x2x9z", "spiffe://prod/ns/shop/pod/cart"),
    ("nightly-28391040-x2x9z", "nightly"),
    ("org-runners-x2x9z-runner-9zqk4", "org-runners"),
    # runs, runners and jobs
    ("repo:org/x:run:123", "repo:org/x:run"),
    ("repo:org/x:run_id:9876543210:run_attempt:2", "repo:org/x:run_id:run_attempt"),
    ("repo:org/x:ref:refs/pull/17/merge", "repo:org/x:ref:refs/pull/*/merge"),
    ("ci/deploy/run-8842", "ci/deploy/run"),
    ("ci/deploy/run/7", "ci/deploy/run"),
    ("deploy-run-8842-1-run-8842", "deploy-run-1-run"),
    (f"deploy/run/{UUID}", "deploy/run"),
    ("runner-abc123", "runner"),
    ("spiffe://prod/ci/catalog-worker/runner-12", "spiffe://prod/ci/catalog-worker/runner"),
    ("ci-runner-8842", "ci-runner"),
    (f"ci-runner-{UUID}", "ci-runner"),
    ("spiffe://prod/ci/runner/7f3a9b2c", "spiffe://prod/ci/runner"),
    ("system:serviceaccount:ci:runner-x7k2p", "system:serviceaccount:ci:runner"),
    ("runner-t1_abcde-project-123-concurrent-0-x7k2p", "runner-t1_abcde-project-123"),
    ("build-1234567", "build"),
    ("workflow/org/app/deploy/5877", "workflow/org/app/deploy"),
    ("workflow/org/app/7", "workflow/org/app"),
    ("spiffe://prod/builders/app/worker/22feca5802", "spiffe://prod/builders/app/worker"),
    (f"session:{UUID}", "session"),
    (f"nomad/alloc/{UUID}", "nomad/alloc"),
    (f"spiffe://prod/ci/job/{UUID}/step", "spiffe://prod/ci/job/step"),
    ("Runner-ABC123", "Runner"),
]

APART = [
    # numbered siblings are siblings
    ("svc1", "svc2"),
    ("spiffe://prod/app/svc1", "spiffe://prod/app/svc2"),
    ("team-12/app-3", "team-12/app-4"),
    ("team-12/app-3", "team-13/app-3"),
    ("tenant-10000001", "tenant-10000002"),
    ("deployer-111122223333", "deployer-444455556666"),
    ("job-12", "job-13"),
    ("job-1001", "job-1002"),
    ("build-7", "build-8"),
    ("cloud-run-1", "cloud-run-2"),
    ("runner-pool-1", "runner-pool-2"),
    ("workflow/org/app-1", "workflow/org/app-2"),
    ("workflow/org/123", "workflow/org/124"),
    ("org/app/5877", "org/app/5878"),
    ("workflow/org/app/feedface", "workflow/org/app/facefeed"),
    ("workflow/20240301", "workflow/20240302"),
    ("runner1", "runner2"),
    ("app-v1", "app-v2"),
    ("app-1.2.3", "app-1.2.4"),
    ("db-0", "db-1"),
    ("pipeline-feed01", "pipeline-feed02"),
    ("job-db000001", "job-db000002"),
    # other accounts, roles, partitions and kinds are others
    ("arn:aws:sts::1:assumed-role/deploy/s", "arn:aws:sts::2:assumed-role/deploy/s"),
    ("arn:aws:sts::1:assumed-role/deploy/s", "arn:aws:sts::1:assumed-role/deploy2/s"),
    ("arn:aws:sts::1:assumed-role/deploy/s", "arn:aws-cn:sts::1:assumed-role/deploy/s"),
    ("arn:aws:iam::111122223333:user/a", "arn:aws:iam::444455556666:user/a"),
    ("arn:aws:iam::1:user/ann", "arn:aws:iam::1:user/bob"),
    ("arn:aws:sts::1:federated-user/ann", "arn:aws:sts::1:federated-user/bob"),
    ("AROAEXAMPLEID123:s", "AROAEXAMPLEID124:s"),
    # IAM Identity Center's sessions are people
    (
        "arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann@x.org",
        "arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/bob@x.org",
    ),
    # machines are machines: a stolen node hides in no other
    ("system:node:ip-10-0-3-7.ec2.internal", "system:node:ip-10-0-3-8.ec2.internal"),
    ("i-0abc123def4567890", "i-0abc123def4567891"),
    # identifiers that are the identity
    (UUID, OTHER),
    (f"azure:app/{UUID}", f"azure:app/{OTHER}"),
    (f"vault:entity:{UUID}", f"vault:entity:{OTHER}"),
    (f"client-{UUID}", f"client-{OTHER}"),
    ("key-0123456789abcdef0123456789abcdef", "key-0123456789abcdef0123456789abcdee"),
    ("spiffe://prod/agent/join_token/aaa111", "spiffe://prod/agent/join_token/bbb222"),
    # service accounts, branches, environments
    ("system:serviceaccount:shop:cart", "system:serviceaccount:shop:till"),
    ("system:serviceaccount:shop:cart", "system:serviceaccount:test:cart"),
    ("repo:org/x:ref:refs/heads/main", "repo:org/x:ref:refs/heads/dev"),
    ("repo:org/x:ref:refs/tags/v1", "repo:org/x:ref:refs/tags/v2"),
    ("repo:org/x:environment:prod", "repo:org/x:environment:test"),
    ("repo:org/x:run:123", "repo:org/y:run:123"),
    # words that look like pods
    ("svc-mysql-https", "svc-mysql-pgsql"),
    ("tenant-3fa1bc9d-admin", "tenant-3fa1bc9e-admin"),
    ("fluentd-https", "fluentd-mssql"),
    ("team-k8sdb", "team-k8svm"),
]


@pytest.fixture(scope="module")
def identities() -> Identities:
    """The default rules."""
    return Identities(DEFAULT_IDENTITY_RULES)


@pytest.mark.parametrize(("raw", "canonical"), FOLDS)
def test_names_that_are_new_on_every_run_fold(identities: Identities, raw: str, canonical: str) -> None:
    """Sessions, pods, runners and runs are one requester, and `explain` says which rule made it."""
    assert identities.fold(raw) == canonical
    assert identities.explain(raw)[0] == canonical
    assert identities.explain(raw)[1] is not None


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_identities_stay_apart(identities: Identities, one: str, other: str) -> None:
    """Folding too much would let an attacker hide inside another identity."""
    assert identities.fold(one) != identities.fold(other)


@pytest.mark.parametrize("raw", ["", "svc1", "arn:aws:iam::1:role/deploy", "vault:token:root", "10.0.0.1", "é" * 3_000])
def test_other_names_stay_as_they_are(identities: Identities, raw: str) -> None:
    """And no rule is named for them."""
    assert identities.explain(raw) == (raw, None)


PARTS = [part for raw, _ in FOLDS for part in (raw, raw.rpartition("/")[2])] + ["/", ":", "-", "run-", "runner-", "x"]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=12), max_size=6).map("".join))
@example("run-run-8842-8842")
def test_folding_twice_is_folding_once(raw: str) -> None:
    """A canonical name is its own canonical name."""
    identities = Identities(DEFAULT_IDENTITY_RULES)
    once = identities.fold(raw)
    assert identities.fold(once) == once
    assert once or not raw


def test_rules_are_tried_in_order_and_the_first_that_changes_the_name_wins() -> None:
    """The operator's own patterns go before the built-in ones."""
    own = IdentityRule("ours", r"^cart-.*", "the-cart")
    assert Identities((own, *DEFAULT_IDENTITY_RULES)).explain("cart-5d8f9c7b6d-x2x9z") == ("the-cart", "ours")


def test_all_rules_that_made_a_name_are_named() -> None:
    """A session in a run in a role is explained step by step."""
    raw = "arn:aws:sts::1:assumed-role/ci-runner-8842/s"
    made = ("arn:aws:sts::1:assumed-role/ci-runner", "aws-assumed-role-session, runner-id")
    assert Identities(DEFAULT_IDENTITY_RULES).explain(raw) == made


@pytest.mark.parametrize(
    "rule",
    [
        IdentityRule("grows", "a", "aa"),
        IdentityRule("swings", "^(.)(.)$", r"\2\1"),
        IdentityRule("empties", ".+", ""),
    ],
)
def test_rules_that_never_settle_leave_the_name_alone(rule: IdentityRule) -> None:
    """Neither for ever, nor to nothing: nobody is merged with anybody by a mistake in a pattern."""
    assert Identities((rule,)).explain("ab") == ("ab", None)


@pytest.mark.parametrize(
    ("pattern", "replacement", "complaint"),
    [("(", "", "no regular expression"), ("a", r"\1", "does not fit"), ("a*", "b", "matches the empty name")],
)
def test_wrong_rules_are_named(pattern: str, replacement: str, complaint: str) -> None:
    """At the start, not at the first name that meets them."""
    with pytest.raises(ValueError, match=f"identity rule 'mine': .*{complaint}"):
        Identities((IdentityRule("mine", pattern, replacement),))
