"""Every file of real logs, counted twice: by our decoders, and without them.

The second count is plain `json` and loops over the documents themselves; beside
each stands the `jq` line that gives the same number on a shell.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from detector.events import Issuance, Usage
from detector.intake import Rejected, read

pytestmark = pytest.mark.real_logs

WRITES = {"create", "update", "patch", "delete", "deletecollection"}
RBAC = {"roles", "rolebindings", "clusterroles", "clusterrolebindings"}
MINTS = {"AssumeRole", "CreateAccessKey", "CreateLoginProfile"}
CHANGES = {"UpdateAssumeRolePolicy", "AttachRolePolicy", "AddPermission20150331v2"}


def counted(*paths: Path) -> tuple[Counter[str], list[Any], list[Rejected]]:
    """Events by dialect and kind, the events themselves, and what was rejected."""
    rejections: list[Rejected] = []
    found = list(read([str(path) for path in paths], on_rejected=rejections.append))
    return Counter(f"{name} {type(event).__name__}" for name, event in found), [event for _, event in found], rejections


def joined(events: list[Any]) -> int:
    """How many usages are of a credential that was minted in the same log."""
    minted = {event.credential for event in events if isinstance(event, Issuance) and event.credential}
    return sum(isinstance(event, Usage) and event.credential in minted for event in events)


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a file, one behind the other, by nothing but `json`."""
    text, found, at = path.read_text(encoding="utf-8"), [], 0
    while at < len(text.rstrip()):
        document, at = json.JSONDecoder().raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        found.append(document)
    return found


def test_stratus(real_logs: Path) -> None:
    """28 attacks: every record is a use, those that mint are issuances, and each minted key that was used joins."""
    files = sorted((real_logs / "cloudtrail" / "stratus").glob("*.json"))
    records = [record for file in files for record in json.loads(file.read_text(encoding="utf-8"))]
    # jq -r '.[].eventName' cloudtrail/stratus/*.json | wc -l
    assert len(files) == 28
    assert len(records) == 250
    # jq -r '.[].eventName' cloudtrail/stratus/*.json | grep -cE '^(AssumeRole|CreateAccessKey|CreateLoginProfile)$'
    mints = [record for record in records if record["eventName"] in MINTS]
    # jq -r '.[].eventName' stratus/*.json | grep -cE '^(UpdateAssumeRolePolicy|AttachRolePolicy|AddPermission)'
    changes = [record for record in records if record["eventName"] in CHANGES and "errorCode" not in record]
    # jq -s '[.[][] | .responseElements?.credentials?.accessKeyId | values] as $keys
    #   | [.[][] | select(.userIdentity.accessKeyId | IN($keys[]))] | length' cloudtrail/stratus/*.json
    keys = {((record.get("responseElements") or {}).get("credentials") or {}).get("accessKeyId") for record in mints}
    uses = [record for record in records if record["userIdentity"].get("accessKeyId") in keys - {None}]
    found, events, rejections = counted(*files)
    assert rejections == []
    assert found == {
        "cloudtrail Usage": 250,
        "cloudtrail Issuance": len(mints),
        "cloudtrail Lifecycle": len(changes),
    }
    assert (len(mints), len(changes), joined(events), len(uses)) == (14, 3, 47, 47)
    refused = [event for event in events if isinstance(event, Issuance) and event.outcome == "refused"]
    # jq -r '.[] | select(.eventName == "AssumeRole" and .errorCode) | .eventID' cloudtrail/stratus/*.json | wc -l
    assert len(refused) == sum("errorCode" in record for record in mints) == 4


def test_lookup_events(real_logs: Path) -> None:
    """Twenty hours of one account: every AssumeRole is an issuance with its key, its role and its session."""
    file = real_logs / "cloudtrail" / "lookup-events-20h.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    # jq -r .EventName cloudtrail/lookup-events-20h.jsonl | grep -c AssumeRole
    mints = [record for record in records if record["EventName"] == "AssumeRole"]
    # jq -r 'select(.Username or (.UserIdentity.type // "AWSService") != "AWSService") | .EventId' … | wc -l
    named = [r for r in records if r["Username"] or (r["UserIdentity"] or {}).get("type", "AWSService") != "AWSService"]
    # jq -r .EventName … | grep -cE '^((Put|Attach|Detach)RolePolicy|DeleteRole)$'
    changed = {"PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRole"}
    changes = [record for record in records if record["EventName"] in changed]
    found, events, rejections = counted(file)
    assert rejections == []
    assert found == {
        "cloudtrail Issuance": len(mints),
        "cloudtrail Usage": len(named),
        "cloudtrail Lifecycle": len(changes),
    }
    assert (len(records), len(mints), len(named), len(changes)) == (780, 599, 184, 4)
    listed = [resource for record in mints for resource in record["Resources"]]
    keys = {resource["ResourceName"] for resource in listed if resource["ResourceType"] == "AWS::IAM::AccessKey"}
    minted = [event for event in events if isinstance(event, Issuance)]
    assert {event.credential for event in minted if event.credential} == keys
    assert {event.id for event in minted} == {record["EventId"] for record in mints}
    assert sum(event.outcome == "refused" for event in minted) == sum(not record["Resources"] for record in mints) == 3
    requesters = {event.grant.requester for event in minted}
    assert {"lambda.amazonaws.com", "rds.amazonaws.com"} < requesters
    assert len(requesters) < 10


def test_kubernetes(real_logs: Path) -> None:
    """Two minutes of a cluster: each TokenRequest once, each service account's call once, each RBAC write once."""
    file = real_logs / "kubernetes" / "audit-120s.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    complete = [record for record in records if record["stage"] == "ResponseComplete"]
    # jq -c 'select(.stage == "ResponseComplete" and .objectRef.subresource == "token")' audit-120s.jsonl | wc -l
    mints = [record for record in complete if record.get("objectRef", {}).get("subresource") == "token"]
    # jq -c 'select(.stage == "ResponseComplete" and (.user.username | startswith("system:serviceaccount:")))' … | wc -l
    accounts = [r for r in complete if r.get("user", {}).get("username", "").startswith("system:serviceaccount:")]
    uses = [record for record in accounts if record not in mints]
    # jq -c 'select(.stage == "ResponseComplete" and (.verb | IN("create", "update", "patch", "delete",
    #   "deletecollection")) and (.objectRef.resource // "" | test("^(cluster)?role(binding)?s$"))
    #   and .responseStatus.code < 400)' … | wc -l
    writes = [
        record
        for record in complete
        if record["verb"] in WRITES
        and record.get("objectRef", {}).get("resource") in RBAC
        and record.get("responseStatus", {}).get("code", 0) < 400
    ]
    # jq -c 'select(… and .verb == "delete" and .objectRef.resource == "serviceaccounts")' … | wc -l
    gone = [
        record
        for record in complete
        if record["verb"] == "delete"
        and record.get("objectRef", {}).get("resource") == "serviceaccounts"
        and record.get("responseStatus", {}).get("code", 0) < 400
    ]
    found, events, rejections = counted(file)
    assert rejections == []
    assert found == {
        "kubernetes Issuance": len(mints),
        "kubernetes Usage": len(uses),
        "kubernetes Lifecycle": len(writes) + len(gone),
    }
    assert (len(records), len(mints), len(uses), len(writes) + len(gone)) == (9_742, 31, 2_473, 93)
    holders = {f"k8s:system:serviceaccount:{r['objectRef']['namespace']}:{r['objectRef']['name']}" for r in mints}
    assert joined(events) == sum(f"k8s:{record['user']['username']}" in holders for record in uses) == 2_291


def test_vault(real_logs: Path) -> None:
    """One life cycle: a login, a renewal, five uses and a revocation, all of one token, each pair once."""
    file = real_logs / "vault" / "jwt-login-to-revoke.json"
    entries = documents(file)
    # jq -r 'select(.type == "response") | .request.path' vault/jwt-login-to-revoke.json
    paths = [entry["request"]["path"] for entry in entries if entry["type"] == "response"]
    assert len(entries) == 2 * len(paths) == 12
    assert paths == [
        "auth/jwt/login",
        "auth/token/renew-self",
        "auth/token/lookup-self",
        "auth/token/lookup-self",
        "secret/data/s3",
        "auth/token/revoke-self",
    ]
    found, events, rejections = counted(file)
    assert rejections == []
    assert found == {"vault Issuance": 2, "vault Usage": 5, "vault Lifecycle": 1}
    assert joined(events) == 5
    login, renewal = (event for event in events if isinstance(event, Issuance))
    assert renewal.grant.renewal_of == login.credential == events[-1].subject
    assert len({event.requester for event in events if isinstance(event, Usage)} | {login.grant.requester}) == 1


def test_everything_there_is_decodes_or_says_why(real_logs: Path) -> None:
    """All files of the folder at once: no exception, no event without an id, a reason for everything else."""
    found, events, rejections = counted(real_logs)
    assert {name.partition(" ")[0] for name in found} == {"cloudtrail", "kubernetes", "vault"}
    assert all(event.id for event in events)
    assert all(rejected.reason and rejected.line >= 1 for rejected in rejections)
    reasons = Counter(rejected.reason for rejected in rejections if "arrivals" not in rejected.file)
    # the wrapped rule tests, which no recogniser opens, and two texts that are no logs
    assert set(reasons) == {"is of no dialect that we know", "is no log: none of its lines begins as JSON"}
