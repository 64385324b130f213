"""OWASP Non-Human Identities Top 10, 2025."""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.report.frameworks.requirement import Requirement

_risk = partial(Requirement, framework="OWASP NHI Top 10 2025")

REQUIREMENTS: Final = (
    _risk(
        id="NHI1:2025",
        title="Improper Offboarding",
        shows="{dormant} identities that were minted for have been silent for {dormant_days} days or more. "
        "{decommissioned} were decommissioned; {left_behind} were minted for afterwards, or hold live credentials past "
        "their own end or their task's.",
        where=("checks.dormant", "checks.left_behind", "requesters"),
        cannot_show="Identities that never asked, and those retired without a word in any log that is fed.",
    ),
    _risk(
        id="NHI2:2025",
        title="Secret Leakage",
        shows="Of {usages} uses {usages_step_up} were worth a look and {usages_deny} worth a revocation. "
        "{strangers} were of credentials whose mint is not in the log, {after_expiry} came after expiry, "
        "{after_revocation} after revocation.",
        where=("totals", "checks.many_networks"),
        cannot_show="Where secrets are stored or were published; only the use of leaked ones, where usage logs are "
        "fed.",
    ),
    _risk(
        id="NHI3:2025",
        title="Vulnerable Third-Party NHI",
        shows="Nothing marks an identity as a third party's. All {requesters} are in the inventory with how far "
        "they reach.",
        where=("requesters",),
        cannot_show="Which identities belong to third parties, and whether their software is vulnerable.",
    ),
    _risk(
        id="NHI4:2025",
        title="Insecure Authentication",
        shows="{attested} requests proved themselves by attestation, {unattested} without, {unstated} do not say "
        "({stated_share} % say). Methods stand with each requester.",
        where=("requesters",),
        cannot_show="How strong a method is, and how it was configured.",
    ),
    _risk(
        id="NHI5:2025",
        title="Overprivileged NHI",
        shows="{over_privileged} rights to write or administer were only used for less; {unused} were minted and never "
        "seen used. {admins} identities were minted admin privilege.",
        where=("checks.over_privileged", "checks.unused", "requesters"),
        cannot_show="Permissions that a policy grants and nobody asked for; uses where no usage log is fed.",
    ),
    _risk(
        id="NHI6:2025",
        title="Insecure Cloud Deployment Configurations",
        shows="{never_asked} of {mints} mints had no decision before them, {never_asked_where_others_do} of these "
        "at issuers whose broker asks otherwise. {by_hand} identities were used from a browser or a console.",
        where=("exceptions", "issuers", "checks.by_hand"),
        cannot_show="The configuration itself: trust conditions of OIDC, static credentials in pipelines.",
    ),
    _risk(
        id="NHI7:2025",
        title="Long-Lived Secrets",
        shows="{live} credentials are live at the end, {live_without_end} of them without an end in the log. "
        "{standing} rights have standing ones, {renewed} are continuously renewed. The longest life minted was "
        "{longest_hours} hours.",
        where=("checks.standing", "checks.renewed", "issuers"),
        cannot_show="Secrets that were made outside the issuers whose logs are fed.",
    ),
    _risk(
        id="NHI8:2025",
        title="Environment Isolation",
        shows="{crossing} rights cross between production and what lies below it by their names; identities seen in "
        "several environments at once are among the {shared} shared ones.",
        where=("checks.crossing", "checks.shared"),
        cannot_show="Environments that neither names nor sources tell.",
    ),
    _risk(
        id="NHI9:2025",
        title="NHI Reuse",
        shows="{shared} identities were used by several consumers, workloads, environments or networks at once.",
        where=("checks.shared",),
        cannot_show="Reuse at different times of day, or by what shares a network and a name.",
    ),
    _risk(
        id="NHI10:2025",
        title="Human Use of NHI",
        shows="{by_hand} identities were used from a browser or a cloud's console.",
        where=("checks.by_hand",),
        cannot_show="People at a command line: their client looks like a program.",
    ),
)
