"""The honest everyday of one requester: sessions, habit with novelty, refusals, retries, renewals, use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from detector.events import Lifecycle
from detector.simulator.arrivals import arrivals
from detector.simulator.dice import Dice, hash_of
from detector.simulator.labels import Label
from detector.simulator.ledger import Ledger, Minted
from detector.simulator.model import DAY, HOUR, Access, Intent, Option, Place, Requester
from detector.simulator.objects import GRASPING, new_object, usual_action
from detector.simulator.population import World, grow
from detector.simulator.urn import Urn

_FRESH = 2 * DAY  # for so long a row counts as the consequence of an upheaval
_FRESH_PLACE = 6 * HOUR  # a redeploy is soon forgotten: the next one is near
_HISTORY_DAYS = 30.0  # how long a requester had lived before the log begins
_PURPOSES = ("nightly sync", "release", "serve traffic", "report", "customer ticket", "backfill", "index", "train")


@dataclass(slots=True)
class Life:
    """Lives one requester through the whole log and remembers what it asked for.

    `past` is what thieves who watched it know.
    """

    world: World
    ledger: Ledger
    requester: Requester
    dice: Dice
    past: list[Minted] = field(default_factory=list)
    _urn: Urn[int] = field(init=False)
    _objects: dict[str, Urn[str]] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)
    _seen: int = 0
    _turn: float = -math.inf
    _runs: int = 0
    _history: float = 1.0

    def live(self) -> None:
        """Ask, and use what was minted, from birth to end."""
        who, world = self.requester, self.world
        habits = who.habits
        self._urn = Urn(strength=habits.novelty, discount=habits.discount)
        self._runs = self.dice.below(9000)
        young = who.since > world.start
        self._history = 2.0 if young else max(10.0, who.rhythm.per_day * _HISTORY_DAYS)
        session, mood = -1, self._enter(world.start)
        for time, number, because in arrivals(who, world.start, world.end, self.dice):
            if number != session:
                self._finish(mood, time)
                session, mood = number, self._enter(time)
            self._ask(time, number, mood, because)

    def _enter(self, time: float) -> Mood:
        """Where, for whom and why a session runs."""
        who, dice = self.requester, self.dice
        place, because = who.places.draw(dice, time), None
        where, address = place.value, place.value.address(dice)
        if dice.chance(who.habits.strays):  # somebody debugs from elsewhere
            plan = self.world.addresses
            where = dice.pick((plan.desk, plan.sofa))(who.environment, dice)
            address = where.address(dice)
        elif place.because and time - place.since < _FRESH_PLACE:
            because = place.because
        self._runs += 1
        tasked = dice.chance(who.habits.tasked)
        task = self.world.style.tasks.format(n=dice.below(90000) + 10000) if tasked else None
        purpose = dice.weighted(_PURPOSES, [1.0 / (k + 1.0 + abs(hash_of(who.name) % 8 - k)) for k in range(8)])
        return Mood(
            place=where,
            address=address,
            task=task,
            because=because,
            purpose=purpose if dice.chance(who.habits.purposes) else None,
        )

    def _finish(self, mood: Mood, now: float) -> None:
        if mood.task and mood.last and self.dice.chance(0.7):
            done = min(mood.last + self.dice.exponential(300.0) + 5.0, now if now > mood.last else math.inf)
            event = Lifecycle(id=self.dice.hexes(16), time=round(done, 3), change="task_completed", subject=mood.task)
            self.ledger.happen(event, Label(principal=self.requester.name))

    def _ask(self, time: float, session: int, mood: Mood, because: str | None) -> None:
        who, dice = self.requester, self.dice
        option, fresh = self._choose(time)
        if dice.chance(who.habits.handovers):
            self._hand_over(time)
        chain, life = who.chains.draw(dice, time), who.lifetimes.draw(dice, time)
        consumer, name = who.consumers.draw(dice, time), who.names.draw(dice, time)
        for said in (option, chain, life, consumer, name):
            if said.because and time - said.since < _FRESH:
                because = because or said.because
        if who.because and time - who.since < _FRESH:
            because = because or who.because
        mood.last = time
        intent = Intent(
            time=time,
            principal=who.name,
            raw=self.raw(name.value, mood),
            access=option.value,
            place=mood.place,
            address=mood.address,
            session=session,
            run=self._runs,
            task=mood.task,
            chain=chain.value,
            ttl_seconds=self._lifetime(option.value.ttl_seconds * life.value),
            consumer=consumer.value,
            method=who.method,
            purpose=mood.purpose,
            break_glass=self._emergency(time),
            upheaval=because or mood.because,
            refused=dice.chance(0.12 if fresh else who.habits.refusals),
        )
        minted = self._mint(intent)
        if intent.refused:
            self._insist(intent)
            return
        if dice.chance(who.habits.retries):  # the answer was lost; the client asked again
            self._mint(replace(intent, time=time + dice.between(0.05, 3.0)))
        self._use(minted)
        self._renew(minted)

    def _lifetime(self, usual: float) -> float:
        """The usual one, unless somebody chose another by hand."""
        factor = self.dice.pick((0.25, 0.5, 2.0, 4.0, 8.0)) if self.dice.chance(self.requester.habits.whims) else 1.0
        return float(max(60, round(usual * factor)))

    def _hand_over(self, time: float) -> None:
        """It works for somebody new from now on, beside the others."""
        who, dice = self.requester, self.dice
        if who.role == "agent" or dice.chance(0.3):
            chain = who.chains.draw(dice, time).value
            who.chains.add((*chain[:2], f"user:{dice.letters(5)}"), weight=0.15, since=time)
        else:
            other = dice.pick(list(self.world.applications))
            who.consumers.add(f"{other}-{dice.pick(('worker', 'batch', 'api'))}", weight=0.15, since=time)

    def _emergency(self, time: float) -> bool:
        who = self.requester
        if any(since <= time < until for since, until in who.emergencies):
            return self.dice.chance(0.5)
        return who.role == "operator" and self.dice.chance(0.004)

    def _insist(self, intent: Intent) -> None:
        """A refused client tries again; some are let in once somebody fixed the policy."""
        dice, time = self.dice, intent.time
        for _ in range(dice.geometric(1.3)):
            time += dice.lognormal(8.0, 1.2)
            again = replace(intent, time=time, refused=dice.chance(0.6))
            minted = self._mint(again)
            if not again.refused:
                self._use(minted)
                return

    def _mint(self, intent: Intent) -> Minted:
        minted = self.ledger.mint(intent, Label(principal=intent.principal, upheaval=intent.upheaval))
        self.past.append(minted)
        return minted

    def _renew(self, minted: Minted) -> None:
        habits, dice = self.requester.habits, self.dice
        if not dice.chance(habits.renews):
            return
        for _ in range(1 + dice.geometric(2.0 if habits.renews < 0.15 else 12.0)):  # noqa: PLR2004
            time = minted.expires_at - minted.intent.ttl_seconds * dice.between(0.2, 0.4)
            if time >= self.world.end:
                return
            minted = self._mint(replace(minted.intent, time=time, renewal_of=minted.credential))
            self._use(minted, share=0.3)

    def _use(self, minted: Minted, *, share: float = 1.0) -> None:
        habits, dice, intent = self.requester.habits, self.dice, minted.intent
        if dice.chance(habits.unused):
            return
        count = dice.poisson(habits.uses * share * dice.gamma(0.8))
        place = self.requester.works_at if intent.consumer and self.requester.works_at else intent.place
        address = place.address(dice) if place is not intent.place else intent.address
        if place.seen_as and dice.chance(0.8):
            address = dice.pick(place.seen_as)
        at = intent.time
        for _ in range(count):
            at += 0.3 + dice.lognormal(12.0, 1.6)
            late = at > minted.expires_at
            if late and not dice.chance(0.1):
                return
            denied = late or dice.chance(0.012)
            self.ledger.use(
                minted,
                at,
                action=self._action(intent.access),
                place=place,
                address=address,
                touched=self.touch(intent.access),
                outcome="denied" if denied else "success",
            )

    def _action(self, access: Access) -> str:
        """The usual, or now and then what thieves do too: look around, hand out, clean up."""
        if self.dice.chance(0.5 * self.requester.habits.whims):
            return self.dice.pick(GRASPING[access.surface])
        return usual_action(access, self.dice)

    def touch(self, access: Access) -> str:
        """What a credential for that access touches next: the usual, now and then something new."""
        urn, dice, habits = self._objects.get(access.resource), self.dice, self.requester.habits
        if urn is None:
            urn = Urn(strength=habits.object_novelty, discount=habits.object_discount)
            known = 2 + dice.geometric(5.0)
            for rank in range(known):
                urn.add(new_object(access, dice), 1.0 + self._history * habits.uses * 0.08 / (rank + 1.0))
            self._objects[access.resource] = urn
        thing = new_object(access, dice) if urn.novel(dice) else urn.draw(dice)
        urn.add(thing)
        return thing

    def _choose(self, time: float) -> tuple[Option[Access], bool]:
        """The resource asked for: by habit, or by honest novelty (then `True`)."""
        who, dice, urn = self.requester, self.dice, self._urn
        options = who.accesses.options
        if self._seen < len(options) or self._turn <= time:
            self._revise(time)
        if not urn.novel(dice):
            index = urn.draw(dice)
            urn.add(index)
            return options[index], False
        option = self._explore(time)
        return option, option.because is not None or dice.chance(0.5)

    def _revise(self, time: float) -> None:
        """Take up options that began, and forget those that ended."""
        options = self.requester.accesses.options
        total = sum(o.weight for o in options if o.since == -math.inf) or 1.0
        self._seen, self._turn = len(options), math.inf
        for index, option in enumerate(options):
            known = index in self._known
            if not known and option.since <= time < option.until:
                self._urn.add(index, 1.0 + self._history * option.weight / total)
                self._known.add(index)
            elif known and option.until <= time:
                self._urn.drop(index)
                self._known.remove(index)
            changes = option.since if option.since > time else option.until
            if changes > time:
                self._turn = min(self._turn, changes)

    def _explore(self, time: float) -> Option[Access]:
        """Something this requester never asked for: its own application's, a shared one, another's."""
        who, world, dice = self.requester, self.world, self.dice
        used = {o.value.right for o in who.accesses.options}
        luck, because = dice.unit(), None
        if luck < 0.72:  # noqa: PLR2004
            stock = world.applications[who.application].catalogue[who.environment]
        elif luck < 0.9:  # noqa: PLR2004
            stock = world.shared[who.environment]
        else:
            stock = world.applications[dice.pick(list(world.applications))].catalogue[who.environment]
            because = "growth"
        allowed = ("read", "write", "admin") if dice.chance(0.08) or who.role == "operator" else ("read", "write")
        free = [a for a in stock if a.right not in used and a.privilege in allowed]
        access = dice.pick(free) if free else grow(world, who.application, who.environment, dice)
        option = who.accesses.add(access, since=time, weight=0.0, because=because)
        self._known.add(self._seen)
        self._urn.add(self._seen)
        self._seen += 1
        return option

    def raw(self, template: str, mood: Mood) -> str:
        """The name as the log writes it: run ids, pods and runners filled in."""
        if "{" not in template:
            return template
        pod = f"{hash_of(mood.address + self.requester.name):016x}"
        return (
            template.replace("{run}", str(self._runs))
            .replace("{pod}", pod[:10])
            .replace("{runner}", str(hash_of(mood.address) % 90 + 10))
        )


@dataclass(slots=True, kw_only=True)
class Mood:
    """What holds for one session."""

    place: Place
    address: str
    task: str | None = None
    purpose: str | None = None
    because: str | None = None
    last: float = 0.0
