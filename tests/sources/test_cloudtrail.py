"""CloudTrail: each of the cases that break decoders, and who is who."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from detector.events import Issuance, Lifecycle, Usage
from detector.sources import Unreadable, cloudtrail

Make = Callable[..., dict[str, Any]]
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-8842"
USER = f"arn:aws:iam::{ACCOUNT}:user/ci/robot"
AT = 1772409606.0


def events(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a readable record gives."""
    decoded = cloudtrail.decode(record)
    assert isinstance(decoded, tuple), decoded
    return decoded


def only(kind: type, record: dict[str, Any]) -> Any:
    """The one event of a kind that a record gives."""
    (found,) = [event for event in events(record) if isinstance(event, kind)]
    return found


def test_a_role_taken(assume_role: Make) -> None:
    """An AssumeRole is an issuance by the role's account, and a use of the key that asked, under one id."""
    issuance, usage = events(assume_role())
    grant = issuance.grant
    assert (grant.id, grant.time, usage.id) == ("e1", AT, "e1")
    assert (grant.issuer, grant.requester, grant.resource) == (f"aws:sts:{ACCOUNT}", USER, ROLE)
    assert (grant.ttl_seconds, issuance.expires_at) == (900.0, AT + 900)
    assert (issuance.outcome, issuance.credential, grant.consumer) == ("granted", "ASIANEW", SESSION)
    assert (grant.source.ip, grant.source.region, grant.source.user_agent) == (
        "198.51.100.7",
        "eu-central-1",
        "aws-sdk-go/1.44",
    )
    assert (usage.credential, usage.action, usage.outcome) == ("AKIAROBOT", "sts:AssumeRole", "success")


def test_uses_join_by_the_access_key(assume_role: Make, call: Make) -> None:
    """The key in the answer is the key that later calls are signed with, by the session that it was minted for."""
    minted = only(Issuance, assume_role())
    session = {"type": "AssumedRole", "arn": SESSION, "accessKeyId": "ASIANEW", "accountId": ACCOUNT}
    used = only(Usage, call("GetObject", "s3", userIdentity=session, requestParameters={"bucketName": "b", "key": "k"}))
    assert used.credential == minted.credential
    assert used.requester == minted.grant.consumer
    assert (used.action, used.resource) == ("s3:GetObject", "arn:aws:s3:::b/k")


def test_two_keys_in_one_second_are_two(assume_role: Make) -> None:
    """The SDK asks twice in one second and gets two keys: two issuances with ids of their own."""
    other = {"assumedRoleUser": {"arn": SESSION}, "credentials": {"accessKeyId": "ASIAOTHER"}}
    first, second = only(Issuance, assume_role()), only(Issuance, assume_role(eventID="e2", responseElements=other))
    assert first.time == second.time
    assert (first.id, first.credential) != (second.id, second.credential)


def test_a_refusal_names_its_role_only_in_the_sentence(call: Make) -> None:
    """`requestParameters` is null when AssumeRole is refused; the role stands in `errorMessage`."""
    sentence = (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222233334444:role/x"
    )
    refused = call(errorCode="AccessDenied", errorMessage=sentence, requestParameters=None, responseElements=None)
    issuance, usage = events(refused)
    assert (issuance.outcome, issuance.credential) == ("refused", None)
    assert (issuance.grant.resource, issuance.grant.issuer) == (
        "arn:aws:iam::222233334444:role/x",
        "aws:sts:222233334444",
    )
    assert usage.outcome == "denied"


def test_a_refusal_that_names_no_role_is_a_refusal_all_the_same(call: Make) -> None:
    """Nothing but the error: still counted, at the account that it was recorded in."""
    issuance = only(Issuance, call(errorCode="AccessDenied", errorMessage="no"))
    assert (issuance.outcome, issuance.grant.issuer) == ("refused", f"aws:sts:{ACCOUNT}")


@pytest.mark.parametrize(
    "expiration", ["Mar 2, 2026, 12:15:06 AM", "Mar 2, 2026, 12:15:06\u202fAM", "2026-03-02T00:15:06Z", 1772410506]
)
def test_expiration_in_its_several_forms(assume_role: Make, expiration: object) -> None:
    """Java's English, with either space, RFC 3339 or seconds; the lifetime follows where no duration was asked for."""
    answer = {"credentials": {"accessKeyId": "ASIANEW", "expiration": expiration}}
    issuance = only(Issuance, assume_role(requestParameters={"roleArn": ROLE}, responseElements=answer))
    assert (issuance.expires_at, issuance.grant.ttl_seconds) == (AT + 900, 900.0)


def test_a_duration_written_as_text(assume_role: Make) -> None:
    """Exports that write every value as text are read."""
    asked = {"roleArn": ROLE, "durationSeconds": "900"}
    assert only(Issuance, assume_role(requestParameters=asked)).grant.ttl_seconds == 900.0


@pytest.mark.parametrize("address", ["ec2.amazonaws.com", "AWS Internal"])
def test_an_address_that_is_none(assume_role: Make, address: str) -> None:
    """A service's name, or "AWS Internal", where others have an address, stands for itself."""
    assert only(Issuance, assume_role(sourceIPAddress=address)).grant.source.ip == address


def test_a_service_takes_a_role_for_what_it_runs(assume_role: Make) -> None:
    """An AWS service is the requester; the session's name says whom it is for; it has no key to have used."""
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    (issuance,) = events(assume_role(userIdentity=service, sourceIPAddress="lambda.amazonaws.com"))
    assert (issuance.grant.requester, issuance.grant.consumer) == ("lambda.amazonaws.com", SESSION)


@pytest.mark.parametrize(
    ("identity", "requester"),
    [
        (
            {
                "type": "WebIdentityUser",
                "principalId": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com:aud:repo:org/x",
                "userName": "repo:org/x:ref:refs/heads/main",
                "identityProvider": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com",
            },
            "token.actions.githubusercontent.com:repo:org/x:ref:refs/heads/main",
        ),
        ({"type": "SAMLUser", "userName": "ann", "identityProvider": "arn:aws:iam::1:saml-provider/idp"}, "idp:ann"),
        ({"type": "Root", "accountId": "1"}, "arn:aws:iam::1:root"),
        ({"type": "IAMUser", "userName": "bob"}, f"arn:aws:iam::{ACCOUNT}:user/bob"),
        ({"type": "AWSAccount", "accountId": "9", "principalId": "AROAEXAMPLE:run-1"}, "AROAEXAMPLE:run-1"),
        ({"type": "AWSAccount", "accountId": "9"}, "aws:account:9"),
        ({"type": "Unknown"}, f"aws:unnamed:{ACCOUNT}"),
        (None, f"aws:unnamed:{ACCOUNT}"),
    ],
)
def test_who_asked(assume_role: Make, identity: dict[str, Any] | None, requester: str) -> None:
    """Every kind of identity has a stable name; a missing `userIdentity` is no reason to lose the issuance."""
    assert only(Issuance, assume_role(userIdentity=identity)).grant.requester == requester


def test_the_person_behind_a_chain_of_roles(assume_role: Make) -> None:
    """`sourceIdentity` survives role chaining and says on whose behalf a session acts."""
    session = {
        "type": "AssumedRole",
        "arn": SESSION,
        "accessKeyId": "ASIAOLD",
        "sessionContext": {"sourceIdentity": "ann"},
    }
    assert only(Issuance, assume_role(userIdentity=session)).grant.on_behalf_of == ("ann",)


def test_a_session_that_takes_its_own_role_again_renews_itself(assume_role: Make) -> None:
    """Role chaining onto the same role is how a session outlives itself: the old key is what it renews."""
    context = {"sessionIssuer": {"arn": ROLE, "type": "Role"}}
    session = {"type": "AssumedRole", "arn": SESSION, "accessKeyId": "ASIAOLD", "sessionContext": context}
    assert only(Issuance, assume_role(userIdentity=session)).grant.renewal_of == "ASIAOLD"
    context["sessionIssuer"]["arn"] = f"arn:aws:iam::{ACCOUNT}:role/other"
    assert only(Issuance, assume_role(userIdentity=session)).grant.renewal_of is None


def test_session_tokens_leave_asia_keys_with_a_user(call: Make) -> None:
    """GetSessionToken gives the user itself a temporary key, whose uses are the user's, not a role's."""
    answer = {"credentials": {"accessKeyId": "ASIATOKEN", "expiration": "Mar 2, 2026, 12:00:06 PM"}}
    minted = only(Issuance, call("GetSessionToken", responseElements=answer))
    assert (minted.grant.resource, minted.credential, minted.grant.ttl_seconds) == (USER, "ASIATOKEN", 43_200.0)
    identity = {"type": "IAMUser", "arn": USER, "accessKeyId": "ASIATOKEN", "accountId": ACCOUNT}
    used = only(Usage, call("ListBuckets", "s3", userIdentity=identity))
    assert (used.credential, used.requester) == ("ASIATOKEN", minted.grant.requester)


def test_the_other_issuances(call: Make) -> None:
    """Federation, web identity, SAML, access keys and passwords mint, too."""
    given = {"accessKeyId": "ASIANEW", "expiration": "Mar 2, 2026, 12:15:06 AM"}
    federated = {"credentials": given, "federatedUser": {"arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}}
    found = only(Issuance, call("GetFederationToken", responseElements=federated))
    assert (found.credential, found.grant.consumer) == ("ASIANEW", f"arn:aws:sts::{ACCOUNT}:federated-user/bob")
    for name in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"):
        record = call(name, requestParameters={"roleArn": ROLE}, responseElements={"credentials": given})
        assert only(Issuance, record).grant.resource == ROLE
    key = {"accessKey": {"accessKeyId": "AKIANEW", "userName": "eve"}}
    found = only(Issuance, call("CreateAccessKey", "iam", requestParameters={"userName": "eve"}, responseElements=key))
    assert (found.grant.issuer, found.credential) == (f"aws:iam:{ACCOUNT}", "AKIANEW")
    assert found.grant.resource == f"arn:aws:iam::{ACCOUNT}:user/eve"


def test_a_password_joins_its_sign_in(call: Make) -> None:
    """A console password has no id: it and its sign-ins are known by the user."""
    made = only(Issuance, call("CreateLoginProfile", "iam", requestParameters={"userName": "eve"}))
    eve = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/eve", "accountId": ACCOUNT, "userName": "eve"}
    failed = {"ConsoleLogin": "Failure"}
    used = only(Usage, call("ConsoleLogin", "signin", userIdentity=eve, responseElements=failed))
    assert (used.credential, used.outcome) == (made.credential, "denied")


def test_twins_of_one_event_say_so(assume_role: Make) -> None:
    """An AssumeRole across accounts is logged in both under different ids: `shared_event` tells that it is one."""
    twins = [only(Issuance, assume_role(eventID=name, sharedEventID="s1")) for name in ("e1", "e2")]
    assert [twin.grant.attributes["shared_event"] for twin in twins] == ["s1", "s1"]
    assert twins[0].grant.issuer == twins[1].grant.issuer


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (None, "success"),
        ("AccessDenied", "denied"),
        ("Client.UnauthorizedOperation", "denied"),
        ("VpceAccessDenied", "denied"),
        ("AccessDeniedException", "denied"),
        ("NoSuchKey", "error"),
        ("ThrottlingException", "error"),
    ],
)
def test_how_a_use_ended(call: Make, code: str | None, outcome: str) -> None:
    """For want of permission is denied, anything else that failed is an error."""
    assert only(Usage, call("GetObject", "s3", errorCode=code)).outcome == outcome


def test_an_interfaces_date_is_no_part_of_the_action(call: Make) -> None:
    """Lambda's event names end in a version that changes."""
    assert only(Usage, call("UpdateFunctionCode20150331v2", "lambda")).action == "lambda:UpdateFunctionCode"


@pytest.mark.parametrize(
    ("name", "source", "asked", "subject"),
    [
        ("AttachRolePolicy", "iam", {"roleName": "deploy", "policyArn": "p"}, ROLE),
        ("DetachRolePolicy", "iam", {"roleName": "deploy"}, ROLE),
        ("PutRolePolicy", "iam", {"roleName": "deploy"}, ROLE),
        ("DeleteRolePolicy", "iam", {"roleName": "deploy"}, ROLE),
        ("UpdateAssumeRolePolicy", "iam", {"roleName": "deploy"}, ROLE),
        ("AttachUserPolicy", "iam", {"userName": "eve"}, f"arn:aws:iam::{ACCOUNT}:user/eve"),
        ("PutUserPolicy", "iam", {"userName": "robot"}, USER),
        ("AddUserToGroup", "iam", {"userName": "eve", "groupName": "g"}, f"arn:aws:iam::{ACCOUNT}:user/eve"),
        ("PutGroupPolicy", "iam", {"groupName": "g"}, f"arn:aws:iam::{ACCOUNT}:group/g"),
        ("CreatePolicyVersion", "iam", {"policyArn": "arn:aws:iam::1:policy/p"}, "arn:aws:iam::1:policy/p"),
        ("SetDefaultPolicyVersion", "iam", {"policyArn": "arn:aws:iam::1:policy/p"}, "arn:aws:iam::1:policy/p"),
        ("PutBucketPolicy", "s3", {"bucketName": "b"}, "arn:aws:s3:::b"),
        ("PutKeyPolicy", "kms", {"keyId": "k"}, "k"),
        ("AddPermission20150331v2", "lambda", {"functionName": "f"}, "f"),
    ],
)
def test_policies_written(call: Make, name: str, source: str, asked: dict[str, str], subject: str) -> None:
    """Each call that widens or narrows what somebody may do says about whom, as later requests will name it."""
    found = only(Lifecycle, call(name, source, requestParameters=asked))
    assert (found.change, found.subject, found.actor) == ("policy_changed", subject, USER)


def test_a_change_that_failed_changed_nothing(call: Make) -> None:
    """An AttachRolePolicy that was denied is a denied use and nothing else."""
    (usage,) = events(
        call("AttachRolePolicy", "iam", errorCode="AccessDenied", requestParameters={"roleName": "deploy"})
    )
    assert usage.outcome == "denied"


def test_keys_and_identities_taken_away(call: Make) -> None:
    """Deleted and deactivated keys are revoked; deleted roles and users are gone; a reactivated key is neither."""
    key = {"accessKeyId": "AKIAOLD", "userName": "eve"}
    for name, asked in (("DeleteAccessKey", key), ("UpdateAccessKey", key | {"status": "Inactive"})):
        found = only(Lifecycle, call(name, "iam", requestParameters=asked))
        assert (found.change, found.subject) == ("revoked", "AKIAOLD")
    assert len(events(call("UpdateAccessKey", "iam", requestParameters=key | {"status": "Active"}))) == 1
    gone = only(Lifecycle, call("DeleteRole", "iam", requestParameters={"roleName": "deploy"}))
    assert (gone.change, gone.subject) == ("decommissioned", f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy")


def test_a_lookups_answer_holds_the_record_as_text(assume_role: Make) -> None:
    """`aws cloudtrail lookup-events` gives capitalised fields and the whole record as a text."""
    answer = {"EventId": "e1", "EventName": "AssumeRole", "CloudTrailEvent": json.dumps(assume_role())}
    assert cloudtrail.recognises(answer)
    assert events(answer) == events(assume_role())


def test_a_flattened_lookup_has_the_key_and_role_in_its_resources() -> None:
    """Where everything but `Resources` is null, that is where the key, the role and its session are."""
    record = {
        "EventId": "e9",
        "EventTime": "2026-03-02T08:00:06+08:00",
        "EventName": "AssumeRole",
        "EventSource": "sts.amazonaws.com",
        "Username": None,
        "UserIdentity": None,
        "RequestParameters": None,
        "ResponseElements": None,
        "Resources": [
            {"ResourceType": "AWS::IAM::AccessKey", "ResourceName": "ASIANEW"},
            {"ResourceType": "AWS::STS::AssumedRole", "ResourceName": "run-8842"},
            {"ResourceType": "AWS::IAM::Role", "ResourceName": ROLE},
        ],
    }
    (issuance,) = events(record)
    assert (issuance.id, issuance.time, issuance.credential) == ("e9", AT, "ASIANEW")
    assert (issuance.grant.resource, issuance.grant.consumer) == (ROLE, SESSION)
    assert issuance.grant.requester == f"aws:unnamed:{ACCOUNT}"


def test_an_excerpt_that_lists_no_key_minted_none() -> None:
    """A flattened lookup drops the error with the rest; what was minted is always among its resources."""
    record = {"EventId": "e", "EventName": "AssumeRole", "EventSource": "sts.amazonaws.com", "Resources": []}
    found = only(Issuance, record | {"EventTime": "2026-03-02T00:00:06Z"})
    assert (found.outcome, found.credential) == ("refused", None)


def test_a_service_linked_role_names_its_only_taker() -> None:
    """Nobody but its service can take a service-linked role, so the record need not say who asked."""
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    resources = [{"ResourceType": "AWS::IAM::Role", "ResourceName": role}]
    record = {"EventId": "e", "EventName": "AssumeRole", "EventSource": "sts.amazonaws.com", "Resources": resources}
    assert only(Issuance, record | {"EventTime": "2026-03-02T00:00:06Z"}).grant.requester == "rds.amazonaws.com"


@pytest.mark.parametrize(
    ("field", "reason"), [("eventTime", "eventTime: is missing"), ("eventName", "eventName: is missing")]
)
def test_what_a_record_cannot_do_without(call: Make, field: str, reason: str) -> None:
    """Without a time or a name there is no event to tell of: unreadable, and said why."""
    assert cloudtrail.decode(call(**{field: None})) == Unreadable(reason)
    if field == "eventTime":
        assert cloudtrail.decode(call(eventTime="...")) == Unreadable("eventTime: is no time between 1990 and 2200")


def test_a_missing_event_id_is_made_from_the_content(assume_role: Make) -> None:
    """The same record has the same id, another key another."""
    made = only(Issuance, assume_role(eventID=None)).id
    assert made == only(Issuance, assume_role(eventID=None)).id
    other = {"credentials": {"accessKeyId": "ASIAOTHER"}}
    assert made != only(Issuance, assume_role(eventID=None, responseElements=other)).id


@pytest.mark.parametrize(
    "record",
    [
        {"eventType": "AwsCloudTrailInsight", "eventName": "RunInstances", "eventSource": "ec2.amazonaws.com"},
        {"eventCategory": "Insight", "eventTime": "2026-03-02T00:00:06Z", "eventName": "x", "eventSource": "y"},
        {"awsAccountId": ACCOUNT, "digestStartTime": "2026-03-02T00:00:06Z", "digestS3Object": "o", "logFiles": []},
    ],
)
def test_records_about_the_log_itself(record: dict[str, Any]) -> None:
    """Insights and digests are recognised, and are none of our business."""
    assert cloudtrail.recognises(record)
    assert events(record) == ()


def test_a_services_own_doing_is_nobodys_use(call: Make) -> None:
    """An event that no key signed and no caller is named for teaches nothing about any requester."""
    assert events(call("CreateAccountResult", "organizations", userIdentity=None, eventType="AwsServiceEvent")) == ()
