"""An organisation's address plan, and everybody else's addresses.

Pods get addresses of their environment's subnets; hosted runners come from a
handful of huge cloud ranges that tenants share, thieves among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.simulator.dice import Dice
from detector.simulator.model import Place
from detector.simulator.styles import Style

Range = tuple[str, int]

# Made-up shares of the public internet; only their sizes and their overlap matter.
HOSTED_RUNNERS: tuple[Range, ...] = tuple(
    (f"{a}.{b}", 2)
    for a, b in (
        (20, 55),
        (20, 109),
        (20, 161),
        (4, 210),
        (4, 227),
        (13, 83),
        (40, 76),
        (52, 165),
        (172, 183),
        (135, 119),
    )
)
RENTED_SERVERS: tuple[Range, ...] = tuple(
    (f"{a}.{b}", 2)
    for a, b in (
        (45, 155),
        (185, 220),
        (193, 32),
        (5, 188),
        (94, 102),
        (141, 98),
        (37, 120),
        (104, 248),
        (167, 99),
        (139, 59),
    )
)
HOMES: tuple[Range, ...] = tuple(
    (f"{a}.{b}", 2)
    for a, b in ((84, 112), (86, 3), (92, 40), (77, 180), (98, 207), (73, 15), (24, 6), (121, 44), (178, 83), (81, 204))
)
OPERATORS_TOOLS = ("terraform/1.8", "aws-cli/2.15", "kubectl/v1.30", "vault/1.16", "curl/8.7", "python-requests/2.32")
THIEVES_TOOLS = ("python-requests/2.32", "curl/8.7", "aws-cli/2.17", "Go-http-client/1.1", "kubectl/v1.29")


@dataclass(slots=True)
class Addresses:
    """The plan of one organisation: subnets an environment, egress, office."""

    style: Style
    dice: Dice
    subnets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    egress: dict[str, tuple[str, ...]] = field(default_factory=dict)
    office: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Draw the plan."""
        for index, (name, _) in enumerate(self.style.environments):
            base = self.style.subnets.format(env_octet=10 * (index + 1), env_low=16 + index, env_wide=64 + index)
            shared = "{" not in self.style.subnets
            first = 32 * index if shared else self.dice.below(100)
            self.subnets[name] = tuple(f"{base}.{first + k}" for k in range(4 + self.dice.below(12)))
            self.egress[name] = tuple(self.public(self.dice) for _ in range(1 + self.dice.below(3)))
        self.office = tuple(self.public(self.dice) for _ in range(1 + self.dice.below(2)))
        self.standby = tuple(f"10.{200 + self.dice.below(50)}.{self.dice.below(250)}" for _ in range(4))

    @staticmethod
    def public(dice: Dice) -> str:
        """Some address of the open internet."""
        return ".".join(str(x) for x in (18 + dice.below(180), dice.below(256), dice.below(256), 1 + dice.below(254)))

    def home(self, environment: str, dice: Dice) -> tuple[str, ...]:
        """The /24 networks in which one workload's pods are scheduled."""
        return tuple(dice.sample(self.subnets[environment], 1 + dice.geometric(1.2)))

    def pods(self, networks: tuple[str, ...], environment: str, name: str, dice: Dice) -> Place:
        """A deployment: a few pods, each at one address, until the next redeploy."""
        count = 1 + dice.geometric(1.5)
        cidrs = tuple((f"{dice.pick(networks)}.{2 + dice.below(250)}", 0) for _ in range(count))
        return Place(
            network=f"{environment}-pods",
            cidrs=cidrs,
            region=self._region(environment),
            environment=environment,
            user_agent=dice.pick(self.style.agents),
            workload=f"{name}-{dice.hexes(9)}-{{pod}}",
            seen_as=self.egress[environment] if self.style.nat else (),
        )

    def hosted(self, environment: str, dice: Dice) -> Place:
        """Hosted CI: another machine of a shared cloud every time."""
        ranges = tuple(dice.sample(HOSTED_RUNNERS, 3 + dice.below(7)))
        return Place(
            network="hosted-runners",
            cidrs=ranges,
            region=self._region(environment),
            environment=environment,
            user_agent=dice.pick(("actions/runner", "aws-actions/4", "hashicorp/vault-action")),
            workload="hosted-{runner}",
        )

    def partner(self, environment: str, dice: Dice) -> Place:
        """Somebody else's data centre or, for some, somebody else's laptops."""
        if dice.chance(0.3):
            cidrs: tuple[Range, ...] = tuple((p + f".{dice.below(256)}", 1) for p, _ in dice.sample(HOMES, 3))
        else:
            cidrs = tuple((self.public(dice), 0) for _ in range(1 + dice.below(3)))
        return Place(
            network="internet",
            cidrs=cidrs,
            region="",
            environment=environment,
            user_agent=dice.pick(("okhttp/4.12", "Apache-HttpClient/5.3", "axios/1.7", "Java/17")),
        )

    def desk(self, environment: str, dice: Dice) -> Place:
        """The office's NAT."""
        return Place(
            network="office",
            cidrs=tuple((a, 0) for a in self.office),
            region="",
            environment=environment,
            user_agent=dice.pick(OPERATORS_TOOLS),
        )

    def sofa(self, environment: str, dice: Dice) -> Place:
        """A home line whose address changes now and then."""
        prefix, _ = dice.pick(HOMES)
        return Place(
            network="vpn",
            cidrs=((f"{prefix}.{dice.below(256)}", 1),),
            region="",
            environment=environment,
            user_agent=dice.pick(OPERATORS_TOOLS),
        )

    def rented(self, environment: str, dice: Dice) -> Place:
        """A thief's own server."""
        prefix, octets = dice.pick(RENTED_SERVERS)
        return Place(
            network="internet",
            cidrs=((f"{prefix}.{dice.below(256)}.{1 + dice.below(250)}", octets - 2),),
            region=dice.pick(("", "ap-southeast-1", "sa-east-1")),
            environment=environment,
            user_agent=dice.pick(THIEVES_TOOLS),
        )

    def cloud_neighbour(self, environment: str, agent: str, dice: Dice) -> Place:
        """A thief in the same public cloud as the hosted runners, with the victim's own tool."""
        prefix, _ = dice.pick(HOSTED_RUNNERS)
        return Place(
            network="hosted-runners",
            cidrs=((f"{prefix}.{dice.below(256)}.{1 + dice.below(250)}", 0),),
            region=self._region(environment),
            environment=environment,
            user_agent=agent,
            workload="hosted-{runner}",
        )

    def _region(self, environment: str) -> str:
        names = [name for name, _ in self.style.environments]
        return self.style.regions[names.index(environment) % len(self.style.regions)]
