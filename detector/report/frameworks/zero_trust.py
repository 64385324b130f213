"""NIST SP 800-207, Zero Trust Architecture: the tenets of section 2.1."""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.report.frameworks.requirement import Requirement

_tenet = partial(Requirement, framework="NIST SP 800-207")

REQUIREMENTS: Final = (
    _tenet(
        id="Tenet 1",
        title="All data sources and computing services are considered resources.",
        shows="Credentials for {resources} resources at {issuers} issuers are decided on and recorded one by one "
        "({rights} rights).",
        where=("mints", "issuers"),
        cannot_show="Resources that no issuer in the log mints for.",
    ),
    _tenet(
        id="Tenet 2",
        title="All communication is secured regardless of network location.",
        shows="A request's network is evidence about it and earns no trust: {many_networks} identities were seen "
        "in many networks at once.",
        where=("checks.many_networks", "requesters"),
        cannot_show="Whether communication is encrypted.",
    ),
    _tenet(
        id="Tenet 3",
        title="Access to individual enterprise resources is granted on a per-session basis.",
        shows="{mints} mints, {mints_asked} ({mints_asked_share} %) decided on before. {standing} rights have standing "
        "credentials, {renewed} are continuously renewed.",
        where=("mints", "checks.standing", "checks.renewed"),
        cannot_show="Sessions within a credential's life.",
    ),
    _tenet(
        id="Tenet 4",
        title="Access to resources is determined by dynamic policy—including the observable state of client identity, "
        "application/service, and the requesting asset—and may include other behavioral and environmental attributes.",
        shows="{requests} requests were weighed against each requester's own behaviour: {requests_step_up} came to "
        "a step-up, {requests_deny} to a deny. Thresholds were drawn anew {recalibrated} times.",
        where=("mints", "step_ups", "changes"),
        cannot_show="The state of the requesting asset beyond its attestation, network and client.",
    ),
    _tenet(
        id="Tenet 5",
        title="The enterprise monitors and measures the integrity and security posture of all owned and associated "
        "assets.",
        shows="All {requesters} identities seen are in the inventory with reach and findings: {dormant} dormant, "
        "{shared} shared, {over_used} over-used.",
        where=("requesters", "checks.dormant", "checks.shared", "checks.over_used"),
        cannot_show="The integrity of devices and workloads; identities that no log shows.",
    ),
    _tenet(
        id="Tenet 6",
        title="All resource authentication and authorization are dynamic and strictly enforced before access is "
        "allowed.",
        shows="{in_enforce} answers were enforced, {in_shadow} shadowed, {in_observe} observed. {against} mints "
        "went against a decision, {on_step_up} past an open step-up, {beyond_approval} outlive their approval; "
        "{never_asked} were never asked for. Enforcement was halted for {halted_hours} hours; {glasses} glasses "
        "were broken.",
        where=("exceptions", "kill_switch", "break_glass"),
        cannot_show="Access without a minted credential.",
    ),
    _tenet(
        id="Tenet 7",
        title="The enterprise collects as much information as possible about the current state of assets, network "
        "infrastructure and communications and uses it to improve its security posture.",
        shows="{entries} entries in the period, among them {usages} uses; uses are seen at {issuers_used} of "
        "{issuers} issuers. {words} words on decisions came back and teach.",
        where=("log", "issuers", "outcomes"),
        cannot_show="What is not fed: other logs, other systems.",
    ),
)
