"""CSA MAESTRO (Multi-Agent Environment, Security, Threat, Risk, and Outcome): its seven layers."""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.report.frameworks.requirement import Requirement

_layer = partial(Requirement, framework="CSA MAESTRO")

REQUIREMENTS: Final = (
    _layer(
        id="Layer 1",
        title="Foundation Models",
        shows="Nothing.",
        where=(),
        cannot_show="Models and their weights: the log sees what agents ask for, not how they think.",
    ),
    _layer(
        id="Layer 2",
        title="Data Operations",
        shows="Who was minted access to which of {resources} resources, and {usages} uses of it.",
        where=("mints", "totals"),
        cannot_show="What data was read or written, and whether it was poisoned.",
    ),
    _layer(
        id="Layer 3",
        title="Agent Frameworks",
        shows="{delegating} identities act on behalf of others; {crossing} rights cross environments; {over_used} "
        "identities had hours far above their own pace.",
        where=("requesters", "checks.crossing", "checks.over_used"),
        cannot_show="Prompts, tools and plans of an agent.",
    ),
    _layer(
        id="Layer 4",
        title="Deployment and Infrastructure",
        shows="{issuers} issuers, {issuers_asking} of whose brokers ask before they mint; {many_networks} "
        "identities in many networks at once; {live_without_end} live credentials without an end.",
        where=("issuers", "checks.many_networks", "checks.standing"),
        cannot_show="Images, hosts and networks.",
    ),
    _layer(
        id="Layer 5",
        title="Evaluation and Observability",
        shows="{entries} entries; {requests} decisions with their reasons; {words} words on them, {words_changed} "
        "of which changed an earlier one; thresholds drawn {recalibrated} times.",
        where=("log", "step_ups", "outcomes", "changes"),
        cannot_show="How well agents do their work.",
    ),
    _layer(
        id="Layer 6",
        title="Security and Compliance",
        shows="{told_step_up} step-ups and {told_deny} denies told; {rules} deny rules; {glasses} broken glasses, "
        "{glasses_unreviewed} unreviewed; enforcement halted {halts} times; {against} mints against a decision; "
        "{announced} announcements to others.",
        where=("step_ups", "rules", "break_glass", "kill_switch", "exceptions", "announced"),
        cannot_show="Controls of other systems.",
    ),
    _layer(
        id="Layer 7",
        title="Agent Ecosystem",
        shows="{shared} shared identities; {delegating} with delegation chains; {malicious} decisions found malicious.",
        where=("checks.shared", "requesters", "outcomes"),
        cannot_show="Agents that ask under somebody else's name and in his ways.",
    ),
)
