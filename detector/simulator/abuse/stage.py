"""What a thief has to work with: a victim watched for a while, places to ask from, and a ledger that records it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from detector.events import Lifecycle, Privilege
from detector.simulator.addresses import THIEVES_TOOLS
from detector.simulator.dice import Dice
from detector.simulator.labels import Label
from detector.simulator.ledger import Ledger, Minted
from detector.simulator.life import Life
from detector.simulator.model import DAY, HOUR, Access, Intent, Place, Requester, Role
from detector.simulator.objects import GRASPING, new_object, usual_action
from detector.simulator.population import World

Tell: TypeAlias = Literal["mint", "use", "late"]
"""Where abuse first shows: in the first mint, in what is done with it, or only in the course of time."""

Quirk: TypeAlias = Literal["tool", "bare", "greedy", "elsewhere"]
QUIRKS: tuple[tuple[Quirk, float], ...] = (("tool", 0.35), ("bare", 0.25), ("greedy", 0.15), ("elsewhere", 0.35))
"""What careless thieves get wrong besides what their kind is about, each with its chance."""

_WATCHED = 60  # how many of the victim's latest requests a thief has seen


@dataclass(slots=True, kw_only=True)
class Stage:
    """One campaign in the making. `careful` thieves imitate what they know of the victim."""

    world: World
    ledger: Ledger
    lives: Mapping[str, Life]
    dice: Dice
    campaign: str
    kind: str
    tell: Tell
    careful: bool
    at: float
    victim: Requester
    quirks: tuple[Quirk, ...] = ()
    steps: int = 0
    _haunt: tuple[Place, str] | None = None
    _runs: dict[str, int] = field(default_factory=dict)

    @property
    def life(self) -> Life:
        """The victim's."""
        return self.lives[self.victim.name]

    def past(self, before: float, life: Life | None = None) -> list[Minted]:
        """What the thief saw the victim mint, oldest first; never empty once a campaign was cast."""
        granted = [m for m in (life or self.life).past if m.credential and m.intent.time < before]
        granted.sort(key=lambda minted: minted.intent.time)
        return granted[-_WATCHED:]

    def known(self) -> set[tuple[str, Privilege]]:
        """Every right the victim ever asked for before the campaign."""
        return {m.intent.access.right for m in self.life.past if m.intent.time < self.at}

    def habit(self, at: float, life: Life | None = None) -> Intent:
        """A request exactly as the victim might make it now: its host, its resource, its words."""
        past = self.past(at, life)
        model, latest = self.dice.pick(past[-20:]).intent, past[-1].intent
        task = model.task and self.world.style.tasks.format(n=self.dice.below(90000) + 10000)
        return replace(
            model,
            time=at,
            raw=latest.raw,
            place=latest.place,
            address=latest.address,
            task=task,
            renewal_of=None,
            break_glass=False,
            refused=False,
            upheaval=None,
        )

    def wish(self, at: float, access: Access) -> Intent:
        """The victim's usual request, but for another resource, with the tool's usual lifetime."""
        factor = self.victim.lifetimes.at(at)[0].value
        life = float(max(60, round(access.ttl_seconds * factor)))
        return replace(self.habit(at), access=access, ttl_seconds=life)

    def mint(self, intent: Intent, *, first: bool | None = None) -> Minted:
        """Ask for it; the next step of the campaign."""
        self.steps += 1
        marked = self.steps == 1 if first is None else first
        return self.ledger.mint(self._slip(intent), self.label(marked))

    def _slip(self, intent: Intent) -> Intent:
        """What a careless thief also gets wrong, the same way every time."""
        if "tool" in self.quirks:
            intent = replace(intent, place=replace(intent.place, user_agent=THIEVES_TOOLS[self.steps % 2]))
        if "bare" in self.quirks:
            intent = replace(intent, task=None, purpose=None, chain=intent.chain[:1])
        if "greedy" in self.quirks:
            intent = replace(intent, ttl_seconds=max(intent.ttl_seconds, 6 * HOUR))
        if "elsewhere" in self.quirks:
            if self._haunt is None:
                place = self.next_door() if self.dice.chance(0.5) else self.elsewhere()
                self._haunt = place, place.address(self.dice)
            intent = replace(intent, place=self._haunt[0], address=self._haunt[1])
        return intent

    def label(self, first: bool = False, *, step: int | None = None, principal: str | None = None) -> Label:  # noqa: FBT001, FBT002
        """The truth about the current step."""
        return Label(
            principal=principal or self.victim.name,
            campaign=self.campaign,
            kind=self.kind,
            variant="careful" if self.careful else "careless",
            step=self.steps if step is None else step,
            first_mint=first,
            late_tell=self.tell == "late",
        )

    def use(
        self,
        minted: Minted,
        count: int,
        *,
        place: Place | None = None,
        after: float | None = None,
        grasping: float = 0.15,
        denied: float = 0.03,
        foreign: float = 0.1,
        spacing: float = 8.0,
        label: Label | None = None,
    ) -> None:
        """Use it: mostly as the victim would, now and then as a thief does.

        `grasping` is the share of actions nobody asked this credential for,
        `foreign` the share of objects that are not the victim's usual ones.
        """
        dice, intent = self.dice, minted.intent
        where = place or intent.place
        address = where.address(dice) if place else intent.address
        if not place and where.seen_as:
            address = dice.pick(where.seen_as)
        at = after if after is not None else intent.time
        for _ in range(count):
            at += 0.4 + dice.lognormal(spacing, 1.2)
            grasp = dice.chance(grasping)
            action = dice.pick(GRASPING[intent.access.surface]) if grasp else usual_action(intent.access, dice)
            touched = new_object(intent.access, dice) if dice.chance(foreign) else self.life.touch(intent.access)
            self.ledger.use(
                minted,
                at,
                action=action,
                touched=touched,
                address=address,
                place=where,
                label=label,
                outcome="denied" if dice.chance(max(denied, 0.35 if grasp else 0.0)) else "success",
            )

    def uses(self) -> int:
        """How often thieves use what they minted: heavy-tailed, often not at all at once."""
        return self.dice.poisson(2.2 * self.dice.gamma(0.8))

    def elsewhere(self) -> Place:
        """A place the victim never asks from; careful thieves come from the victim's cloud or a home line."""
        environment, plan, dice = self.victim.environment, self.world.addresses, self.dice
        agent = self.past(self.at)[-1].intent.place.user_agent
        if not self.careful:
            return plan.rented(environment, dice)
        if self.victim.role != "ci_hosted":
            return plan.cloud_neighbour(environment, agent, dice)
        return replace(plan.sofa(environment, dice), user_agent=agent)

    def next_door(self) -> Place:
        """Another pod of the victim's environment: inside the same NAT, on a neighbouring network."""
        model = self.past(self.at)[-1].intent.place
        networks = self.world.addresses.subnets[self.victim.environment]
        pods = self.world.addresses.pods(networks, self.victim.environment, "debug", self.dice)
        return replace(pods, user_agent=model.user_agent, cidrs=pods.cidrs[:1])

    def strangers(self, environment: str, *, own: bool = False, privileges: Sequence[str] = ()) -> list[Access]:
        """Resources the victim never asked for, of its own application or of all others, in drawn order."""
        known, stock = self.known(), []
        for application in self.world.applications.values():
            if (application.name == self.victim.application) == own:
                stock += application.catalogue[environment]
        free = [a for a in stock if a.right not in known and (not privileges or a.privilege in privileges)]
        return self.dice.sample(free, len(free))

    def times(self, count: int, gap_seconds: float, *, at: float | None = None) -> list[float]:
        """That many moments from the campaign's start, at log-normal gaps, within the log."""
        moment, out = self.at if at is None else at, []
        for _ in range(count):
            if moment < self.world.end - 60.0:
                out.append(moment)
            moment += self.dice.lognormal(gap_seconds, 0.8)
        return out

    def policy_change(self, at: float, subject: str) -> None:
        """Write that somebody widened a policy."""
        event = Lifecycle(
            id=self.dice.hexes(16),
            time=round(at, 3),
            change="policy_changed",
            subject=subject,
            actor=self.past(self.at)[-1].intent.raw,
        )
        self.ledger.happen(event, self.label(step=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of abuse: how it is played, whom it befalls, where it first shows.

    `fields`: any of these must be in the style's logs for the tell to be visible.
    """

    play: Callable[[Stage], None]
    tell: Tell = "mint"
    roles: tuple[Role, ...] = ("service", "cron", "ci_hosted", "ci_own", "agent", "partner", "operator")
    watched: int = 30
    dormant: bool = False
    environments: Literal["any", "lower"] = "any"
    fields: frozenset[str] = frozenset()
    course_days: float = 1.0


__all__ = ["DAY", "HOUR", "Kind", "Stage", "Tell"]
