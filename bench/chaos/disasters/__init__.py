"""One module a disaster, and their names in the order in which they are let happen."""

from __future__ import annotations

from bench.chaos.disasters.clock import clock
from bench.chaos.disasters.flood import flood
from bench.chaos.disasters.full import full
from bench.chaos.disasters.killed import killed
from bench.chaos.disasters.learner import learner
from bench.chaos.disasters.locked import locked
from bench.chaos.disasters.readonly import readonly
from bench.chaos.disasters.rules import rules
from bench.chaos.disasters.stepups import stepups
from bench.chaos.disasters.switch import switch
from bench.chaos.scene import Disaster

DISASTERS: dict[str, Disaster] = {
    "locked": locked,
    "full": full,
    "readonly": readonly,
    "clock": clock,
    "learner": learner,
    "flood": flood,
    "rules": rules,
    "stepups": stepups,
    "killed": killed,
    "switch": switch,
}
