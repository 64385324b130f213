"""Each kind of abuse does what its name says, and only what its thief could do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detector.events import Issuance, Lifecycle, Usage
from detector.simulator import KINDS, Labelled, Organisation, simulate


@pytest.fixture(scope="module")
def several(small: Organisation) -> list[Organisation]:
    """Organisations that together show every kind."""
    others = [("kubernetes", 6), ("agents", 6), ("small-idle", 8), ("cloud-role", 8)]
    return [small, *(simulate(s, n, days=17, warm_up_days=12, requesters=45, campaigns=25) for s, n in others)]


def campaigns(organisations: list[Organisation], kind: str) -> Iterator[tuple[list[Labelled], list[Labelled]]]:
    """The rows of each campaign of a kind, beside its victim's own rows before it."""
    for organisation in organisations:
        for name in (name for name, found in organisation.campaigns.items() if found == kind):
            rows = [row for row in organisation.rows if row.label.campaign == name]
            begin, victim = rows[0].event.time, rows[0].label.principal
            yield (
                rows,
                [
                    row
                    for row in organisation.rows
                    if row.label.principal == victim and not row.label.abuse and row.event.time < begin
                ],
            )


def mints(rows: list[Labelled]) -> list[Issuance]:
    """The issuances among rows."""
    return [row.event for row in rows if isinstance(row.event, Issuance)]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_played(several: list[Organisation], kind: str) -> None:
    """Five styles together show the kind at least twice, careful or careless."""
    assert sum(1 for _ in campaigns(several, kind)) >= 2


@pytest.mark.parametrize("kind", ["token_replay", "use_after_end"])
def test_stolen_credentials_are_not_minted_by_the_thief(several: list[Organisation], kind: str) -> None:
    """The campaign has uses only, of credentials that the victim minted."""
    for rows, _ in campaigns(several, kind):
        assert mints(rows) == []
        assert all(isinstance(row.event, Usage) for row in rows)


@pytest.mark.parametrize("kind", ["new_resources", "slow_drip", "escalation", "poison_then_hit", "policy_widened"])
def test_reaching_asks_for_what_the_victim_never_had(several: list[Organisation], kind: str) -> None:
    """The first mint's resource is none that the victim had asked for before."""
    for rows, before in campaigns(several, kind):
        assert mints(rows)[0].grant.resource not in {event.grant.resource for event in mints(before)}


def test_stolen_identity_comes_from_elsewhere(several: list[Organisation]) -> None:
    """None of its addresses is one that the victim asked from, and all of its resources are."""
    for rows, before in campaigns(several, "stolen_identity"):
        usual = {event.grant.source.ip for event in mints(before)}
        assert not usual & {event.grant.source.ip for event in mints(rows)}
        assert {e.grant.resource for e in mints(rows)} <= {e.grant.resource for e in mints(before)}


def test_sleepers_slept(several: list[Organisation]) -> None:
    """A dormant identity had been silent for six days or more."""
    for rows, before in campaigns(several, "dormant_wakes"):
        assert rows[0].event.time - max(e.time for e in mints(before) if e.outcome == "granted") > 5 * 86_400.0


def test_stretched_lifetimes_are_longer_than_ever_asked_for_that_resource(several: list[Organisation]) -> None:
    """At least twice what the victim had asked for the same thing."""
    for rows, before in campaigns(several, "stretched_lifetime"):
        first = mints(rows)[0].grant
        usual = [e.grant.ttl_seconds or 0.0 for e in mints(before) if e.grant.resource == first.resource]
        assert usual
        assert (first.ttl_seconds or 0.0) >= 2.0 * sorted(usual)[len(usual) // 2]


def test_break_glass_is_declared(several: list[Organisation]) -> None:
    """Every mint of it says that there is an emergency."""
    for rows, _ in campaigns(several, "break_glass"):
        assert all(event.grant.break_glass for event in mints(rows))


def test_lower_environments_ask_for_production(several: list[Organisation]) -> None:
    """The victim does not live in production."""
    for rows, _ in campaigns(several, "staging_asks_production"):
        assert rows[0].label.principal.split("/")[1] not in {"prod", "prd", "live", "production"}


def test_forged_chains_are_new(several: list[Organisation]) -> None:
    """The first mint's chain is none of the victim's."""
    for rows, before in campaigns(several, "forged_delegation"):
        assert mints(rows)[0].grant.on_behalf_of not in {event.grant.on_behalf_of for event in mints(before)}


def test_replayed_tasks_were_somebodys(several: list[Organisation]) -> None:
    """Every mint names one task, and it is no new one."""
    for rows, _ in campaigns(several, "replayed_task"):
        assert len({event.grant.task for event in mints(rows)} - {None}) <= 1


def test_a_widened_policy_is_in_the_log_first(several: list[Organisation]) -> None:
    """Where the style logs changes, the campaign begins with one."""
    for rows, _ in campaigns(several, "policy_widened"):
        changed = [row.event for row in rows if isinstance(row.event, Lifecycle)]
        assert all(event.change == "policy_changed" and event.time <= mints(rows)[0].time for event in changed)


def test_probing_is_refused_before_it_is_let_in(several: list[Organisation]) -> None:
    """The first four tries are refused."""
    for rows, _ in campaigns(several, "probing"):
        assert {event.outcome for event in mints(rows)[:4]} == {"refused"}


def test_a_compromised_issuer_mints_for_many(several: list[Organisation]) -> None:
    """One issuer, several requesters."""
    for rows, _ in campaigns(several, "compromised_issuer"):
        assert len({event.grant.issuer for event in mints(rows)}) == 1
        assert len({row.label.principal for row in rows}) >= 3


def test_silent_renewal_renews(several: list[Organisation]) -> None:
    """Where the log links renewals, every mint after the first renews one before it."""
    for rows, _ in campaigns(several, "silent_renewal"):
        links = [event.grant.renewal_of for event in mints(rows)[1:]]
        assert all(links) or not any(links)
