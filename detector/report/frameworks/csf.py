"""NIST Cybersecurity Framework 2.0: PR.AA, Identity Management, Authentication, and Access Control."""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.report.frameworks.requirement import Requirement

_outcome = partial(Requirement, framework="NIST CSF 2.0")

REQUIREMENTS: Final = (
    _outcome(
        id="PR.AA-01",
        title="Identities and credentials for authorized users, services, and hardware are managed by the organization",
        shows="{requesters} identities, {requesters_minting} of which were minted for; {live} live credentials; "
        "{revoked} revocations, {rotated} rotations, {decommissioned} decommissionings in the period.",
        where=("requesters", "issuers", "checks.dormant", "checks.left_behind"),
        cannot_show="Identities of people; credentials that no issuer in the log minted.",
    ),
    _outcome(
        id="PR.AA-02",
        title="Identities are proofed and bound to credentials based on the context of interactions",
        shows="{attested} requests attested, {unattested} not, {unstated} without a word. Each decision holds the "
        "context it was made in.",
        where=("requesters", "mints"),
        cannot_show="How an identity was proofed when it was made.",
    ),
    _outcome(
        id="PR.AA-03",
        title="Users, services, and hardware are authenticated",
        shows="{stated_share} % of requests say whether they were attested. {untrusted} requests and events came "
        "from callers that were not authenticated as brokers or feeders; they moved nothing.",
        where=("requesters", "totals"),
        cannot_show="Failed authentications at the issuers, and at this system's own door.",
    ),
    _outcome(
        id="PR.AA-04",
        title="Identity assertions are protected, conveyed, and verified",
        shows="{delegating} identities act on behalf of others, their chains are recorded. {citing_unknown} mints "
        "name a decision that the log does not know.",
        where=("requesters", "exceptions"),
        cannot_show="Whether an assertion's signature was checked: the issuer does that.",
    ),
    _outcome(
        id="PR.AA-05",
        title="Access permissions, entitlements, and authorizations are defined in a policy, managed, enforced, and "
        "reviewed, and incorporate the principles of least privilege and separation of duties",
        shows="{configured} configurations, {applied} policy documents, {limits_broken} limits broken; {rules} "
        "deny rules lived, {rules_overridden} enforced by override, {rule_denials} requests denied by rule. "
        "{over_privileged} rights are wider than their use, {unused} unused. {words_approver} words of approvers, "
        "{words_analyst} of analysts; nobody answers for himself.",
        where=("changes", "policy", "rules", "checks.over_privileged", "checks.unused", "outcomes"),
        cannot_show="Entitlements at the issuers; duties outside this system.",
    ),
    _outcome(
        id="PR.AA-06",
        title="Physical access to assets is managed, monitored, and enforced commensurate with risk",
        shows="Nothing.",
        where=(),
        cannot_show="Physical access is no matter of this log.",
    ),
)
