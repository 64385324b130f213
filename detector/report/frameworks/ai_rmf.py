"""NIST AI Risk Management Framework 1.0 (NIST AI 100-1): the subcategories that a decision log speaks to.

The AI systems meant are two: this one, which judges by learnt behaviour, and the agents among those it watches.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from detector.report.frameworks.requirement import Requirement

_subcategory = partial(Requirement, framework="NIST AI RMF 1.0")

REQUIREMENTS: Final = (
    _subcategory(
        id="GOVERN 1.6",
        title="Mechanisms are in place to inventory AI systems and are resourced according to organizational risk "
        "priorities.",
        shows="{requesters} identities are in the inventory, those that reach furthest first; {delegating} of "
        "them, agents for the most part, act on behalf of others.",
        where=("requesters",),
        cannot_show="Which identities are AI agents, where neither name nor delegation says so.",
    ),
    _subcategory(
        id="MAP 3.5",
        title="Processes for human oversight are defined, assessed, and documented in accordance with organizational "
        "policies from the GOVERN function.",
        shows="Of {told_step_up} step-ups {step_ups_ended} were answered and {step_ups_open} are open; "
        "{access_requested} were put to somebody, who approved {access_approved} and denied {access_denied}; "
        "{words_approver} words came from approvers, {words_analyst} from analysts.",
        where=("step_ups", "access_requests", "outcomes"),
        cannot_show="Whether whoever answered looked.",
    ),
    _subcategory(
        id="MEASURE 2.4",
        title="The functionality and behavior of the AI system and its components – as identified in the MAP "
        "function – are monitored when in production.",
        shows="Every answer is recorded with its evidence and reasons: {requests_allow} allows, {requests_step_up} "
        "step-ups, {requests_deny} denies; {mints_odd} mints and {usages_step_up} uses were found odd.",
        where=("totals", "mints", "step_ups"),
        cannot_show="Answers that never reached the log.",
    ),
    _subcategory(
        id="MEASURE 2.7",
        title="AI system security and resilience – as identified in the MAP function – are evaluated and documented.",
        shows="{untrusted} requests and events of untrusted callers changed nothing. {rules_backtested} rules were "
        "backtested before they bit, {rules_demoted} put back because they hit honest work.",
        where=("totals", "rules"),
        cannot_show="Tests before deployment.",
    ),
    _subcategory(
        id="MEASURE 2.8",
        title="Risks associated with transparency and accountability – as identified in the MAP function – are "
        "examined and documented.",
        shows="Changes carry who made them: {rules_proposed} rules proposed, {rules_enforced} enforced, "
        "{rules_withdrawn} withdrawn, {words} words on decisions, {halts} halts; {readings} readings of what is "
        "sensitive.",
        where=("rules", "outcomes", "kill_switch", "changes", "readings"),
        cannot_show="Who wrote the configuration file.",
    ),
    _subcategory(
        id="MANAGE 2.4",
        title="Mechanisms are in place and applied, and responsibilities are assigned and understood, to supersede, "
        "disengage, or deactivate AI systems that demonstrate performance or outcomes inconsistent with intended use.",
        shows="The kill switch was on {halts} times for {halted_hours} hours, under which {halted_answers} "
        "requests were answered; {glasses} glasses were broken, {glasses_unreviewed} of those shown are unreviewed "
        "and {glasses_unjustified} were found unjustified.",
        where=("kill_switch", "break_glass", "rules"),
        cannot_show="Whether responsibilities are understood.",
    ),
    _subcategory(
        id="MANAGE 4.1",
        title="Post-deployment AI system monitoring plans are implemented, including mechanisms for capturing and "
        "evaluating input from users and other relevant AI actors, appeal and override, decommissioning, incident "
        "response, recovery, and change management.",
        shows="{words} words on decisions, {words_changed} changed; {rules_overridden} rules enforced by override; "
        "{decommissioned} decommissionings; {configured} configurations.",
        where=("outcomes", "rules", "changes"),
        cannot_show="The plans.",
    ),
    _subcategory(
        id="MANAGE 4.3",
        title="Incidents and errors are communicated to relevant AI actors, including affected communities. "
        "Processes for tracking, responding to, and recovering from incidents and errors are followed and "
        "documented.",
        shows="{malicious} decisions were found malicious; {rule_denials} requests were denied by a rule; "
        "{announced} announcements went to whoever receives them; {glasses} glasses were broken.",
        where=("outcomes", "rules", "announced", "break_glass"),
        cannot_show="Who received an announcement, and what he did.",
    ),
)
