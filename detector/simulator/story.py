"""The theft that the demonstration plays: a runner as it always asks, then somebody else in its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from detector.events import Event, GrantRequest, Issuance, Privilege, Source, Usage
from detector.simulator.dice import Dice
from detector.simulator.labels import Organisation

_SERVER: Final = Source(ip="185.220.101.47", environment="prod", user_agent="python-requests/2.32")
_MINUTE: Final = 60.0
_HONEST: Final = 3  # requests: enough to see that nothing happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Who was robbed, what the honest runner asks, and what the thief asks and gets."""

    runner: str
    honest: tuple[Event, ...]
    stolen: tuple[Event, ...]


def tell(history: Organisation) -> Story:
    """A story that follows this history by minutes. Needs a runner that asks at native issuers."""
    past = _runner(history)
    dice, end = Dice(f"story/{history.seed}"), history.rows[-1].event.time
    usual = [name for name, _ in Counter(event.grant.resource for event in past).most_common(_HONEST)]
    last = {event.grant.resource: event.grant for event in past}
    honest = tuple(
        replace(
            last[resource],
            id=f"honest-{number}",
            time=round(end + number * 2.0 * _MINUTE, 3),
            source=past[-1].grant.source,
            requester=past[-1].grant.requester,
            task=f"deploy-{dice.below(90000) + 10000}",
            renewal_of=None,
            break_glass=False,
        )
        for number, resource in enumerate(usual, start=1)
    )
    return Story(
        runner=past[-1].grant.requester,
        honest=honest,
        stolen=_theft(history, last[usual[0]], honest[-1].time + 10.0 * _MINUTE, dice),
    )


def _runner(history: Organisation) -> list[Issuance]:
    """The issuances of the runner that asks most at native issuers, and was never robbed before."""
    robbed = {row.label.principal for row in history.rows if row.label.abuse}
    asked: dict[str, list[Issuance]] = {}
    for row in history.rows:
        event, who = row.event, row.label.principal
        if not isinstance(event, Issuance) or not event.credential or event.grant.break_glass:
            continue
        native = history.dialects[event.grant.issuer] == "native"
        if native and who not in robbed and who.startswith("ci_own/prod/"):
            asked.setdefault(who, []).append(event)
    return max(asked.values(), key=len)


def _theft(history: Organisation, usual: GrantRequest, begin: float, dice: Dice) -> tuple[Event, ...]:
    """What the thief does, in order: the usual from elsewhere, then whatever there is."""
    foreign = _strongest(history, "native", usual)
    asks = [usual, *foreign[:3], usual, *foreign[3:6]]
    out, time = list[Event](), begin
    for number, model in enumerate(asks, start=1):
        time += dice.between(25.0, 70.0)
        out.append(_in_its_name(model, usual, f"stolen-{number}", round(time, 3)))
    out += _unasked(_strongest(history, "cloudtrail", usual)[0], usual, out[2].time + 4.0, dice)
    return tuple(sorted(out, key=lambda event: event.time))


def _unasked(got: GrantRequest, usual: GrantRequest, begin: float, dice: Dice) -> list[Event]:
    """What he got from an issuer that asks nobody, named as CloudTrail names it, and used at once."""
    out: list[Event] = []
    for number in range(1, 4):
        time, credential = round(begin + 9.0 * number, 3), f"stolen-key-{number}"
        grant = replace(_in_its_name(got, usual, f"unasked-{number}", time), issuer=f"aws:{got.issuer}")
        out.append(Issuance(grant=grant, credential=credential, expires_at=time + (grant.ttl_seconds or 3600.0)))
        for use, action in enumerate(("sts:GetCallerIdentity", "secretsmanager:GetSecretValue", "iam:CreateAccessKey")):
            out.append(
                Usage(
                    id=f"unasked-{number}-use-{use + 1}",
                    time=round(time + 1.0 + use + dice.unit(), 3),
                    credential=credential,
                    action=action,
                    resource=f"{got.resource.rsplit('/', 1)[-1]}/{use + 1}",
                    outcome="success" if use < 2 else "denied",  # noqa: PLR2004 - the last one is refused
                    source=replace(_SERVER, environment=None),
                )
            )
    return out


def _in_its_name(model: GrantRequest, usual: GrantRequest, identity: str, time: float) -> GrantRequest:
    """A request for what the model asked for, by the robbed runner's name, from the thief's own server."""
    return replace(
        model,
        id=identity,
        time=time,
        requester=usual.requester,
        source=_SERVER,
        task=None,
        purpose=None,
        on_behalf_of=(),
        consumer=None,
        authentication_method=usual.authentication_method,
        attested=False,
        renewal_of=None,
        break_glass=False,
        ttl_seconds=4.0 * 3600.0,
    )


def _strongest(history: Organisation, dialect: str, usual: GrantRequest) -> list[GrantRequest]:
    """What others than the robbed application were granted in logs of that dialect, the strongest first."""
    ranks: dict[Privilege | None, int] = {"admin": 0, "write": 1, "read": 2, None: 3}
    own, found = usual.resource.split("/", 1)[0], dict[str, GrantRequest]()
    for row in history.rows:
        event = row.event
        if not isinstance(event, Issuance) or row.label.abuse or history.dialects[event.grant.issuer] != dialect:
            continue
        grant = event.grant
        if own not in grant.resource and grant.source.environment == usual.source.environment:
            found[grant.resource] = grant
    return sorted(found.values(), key=lambda grant: (ranks[grant.privilege], grant.resource))
