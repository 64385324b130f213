"""Client and server read a request alike: whom a rule stops there, it stops here, whatever the request looks like."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.api.denylist import telling
from detector.api.wire import asked_for
from detector.client.denylist import DenyList, read
from detector.client.folding import SELECTABLE, Fold, Folding
from detector.client.requests import prepared
from detector.engine.denylist import DenyList as Told
from detector.engine.policy import Policy
from detector.events import GrantRequest
from detector.features.facets import named_in
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities, IdentityRule
from detector.rules import SELECTABLE as SERVERS
from detector.rules import Rule, Selector
from detector.rules.life import Override

NOW = 1_772_409_600.0
RULES = (IdentityRule("own", r"(?i)^team-\d+/", "team/"), *DEFAULT_IDENTITY_RULES)
IDENTITIES = Identities(RULES)
FOLDING = Folding([Fold(rule.pattern, rule.replacement) for rule in RULES])

HEX = st.text("0123456789abcdef", min_size=1, max_size=12)
NUMBERS = st.integers(0, 10**9).map(str)
POD = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=10)


@st.composite
def raw_names(draw: st.DrawFn) -> str:
    """Names as sessions, pods, runners, jobs and pipelines have them, and any text at all."""
    stem = draw(st.sampled_from(("deploy", "cart", "team-7/app", "spiffe://prod/app/svc1", "repo:org/app")))
    form = draw(
        st.sampled_from(
            (
                "{stem}",
                "arn:aws:sts::1:assumed-role/{stem}/{hex}",
                "arn:aws:sts::1:assumed-role/AWSReservedSSO_x/{stem}",
                "AROA0123456789:{stem}",
                "{stem}-{pod}-{pod}",
                "{stem}-29{number}-{pod}",
                "{stem}-{pod}-runner-{pod}",
                "{stem}/run-{number}",
                "{stem}:job:{hex}",
                "workflow/org/{stem}/{number}",
                "{stem}:refs/pull/{number}/merge",
                "runner-{hex}/{stem}-project-{number}-concurrent-{number}",
            )
        )
    )
    return form.format(stem=stem, hex=draw(HEX), number=draw(NUMBERS), pod=draw(POD))


names = raw_names() | st.text(min_size=1, max_size=30)
addresses = (
    st.ip_addresses().map(str)
    | st.sampled_from(("::ffff:10.1.2.3", "10.0.0.1 ", "AWS Internal", "ec2.amazonaws.com", "-", "", "fe80::1%eth0"))
    | st.text(max_size=10)
)
texts = st.sampled_from(("prod", "-", "", "eu-west-1", "Deploy-71/3f2a9c1d77", "x" * 90)) | st.text(max_size=12)
agents = st.sampled_from(("aws-sdk-go/1.44.2 (go1.19; linux)", "curl/8.5.0", "Boto3 v2", "-")) | st.text(max_size=90)
sources = st.fixed_dictionaries(
    {},
    optional={
        "ip": addresses | st.none(),
        "network": texts | st.none(),
        "environment": texts | st.none(),
        "region": texts,
        "user_agent": agents,
        "workload": texts | names,
    },
)
requests = st.fixed_dictionaries(
    {"issuer": st.sampled_from(("vault", "-", "sts:1")) | names, "requester": names, "resource": names},
    optional={
        "privilege": st.sampled_from(("read", "write", "admin", None)),
        "actions": st.lists(st.sampled_from(("write", "Read", "-", "a,b")), max_size=3) | st.none(),
        "source": sources | st.none(),
        "consumer": names | st.sampled_from(("", "-")) | st.none(),
    },
)


def both(record: dict[str, Any]) -> tuple[GrantRequest, Any]:
    """The request as the server reads what the client sends, and as the client reads it."""
    asked = prepared(record, make_id=lambda: "made")
    return asked_for(asked.body, now=NOW), asked.grant


def test_both_name_the_same_values() -> None:
    """In one order; a value that the server learns to select by has to be learnt here too."""
    assert SELECTABLE == SERVERS


@given(names)
def test_both_fold_a_name_alike(raw: str) -> None:
    """By the same patterns in the same order, as often."""
    assert FOLDING.name(raw) == IDENTITIES.fold(raw)


@given(requests)
@example({"issuer": "i", "requester": "r", "resource": "a/b/", "source": {"network": "10.0.0.0/8"}})
@example({"issuer": "i", "requester": "r", "resource": "a:b", "source": {"ip": "1.2.3.4", "network": ""}})
@example({"issuer": "-", "requester": "r", "resource": "-", "consumer": "-", "actions": ["-"]})
def test_both_see_the_same_values(record: dict[str, Any]) -> None:
    """Every value that a rule may name, also what is left out, empty or odd."""
    server, client = both(record)
    assert FOLDING.values(client) == named_in(server, IDENTITIES.fold)


def rule(number: int, requester: str, named: dict[str, str]) -> Rule:
    """An enforced rule."""
    return Rule(
        id=f"r-{number}",
        selector=Selector(requester=requester, **named),
        stage="enforced",
        created=NOW - 60,
        since=NOW - 60,
        expires=NOW + 600,
        by="anna",
        because="a test",
        override=Override("anna", "a test"),
    )


@given(st.data(), st.lists(requests, min_size=1, max_size=5), requests)
def test_a_rule_stops_here_whom_it_stops_there(
    data: st.DataObject, victims: list[dict[str, Any]], other: dict[str, Any]
) -> None:
    """Rules made of any values of any requests, told over the wire: each request matches for both, or for neither."""
    rules = []
    for number, victim in enumerate(victims):
        server, _ = both(victim)
        shown = {name: value for name, value in named_in(server, IDENTITIES.fold).items() if value}
        named = data.draw(st.sets(st.sampled_from(sorted(shown)), max_size=4))
        rules.append(rule(number, IDENTITIES.fold(server.requester), {name: shown[name] for name in named}))
    view = Told(position=9, full=True, new=tuple(rules), deleted=(), halted=False, policy=Policy(identity=RULES))
    known = DenyList().taking(read(msgspec.json.encode(telling(view))), now=NOW)
    for record in [*victims, other]:
        server, client = both(record)
        values, requester = named_in(server, IDENTITIES.fold), IDENTITIES.fold(server.requester)
        there = {rule.id for rule in rules if rule.selector.matches(requester, values)}
        here = known.blocking(client, now=NOW)
        assert (here is not None) is bool(there)
        assert here is None or here.id in there


@pytest.mark.parametrize("name", SELECTABLE)
def test_each_value_by_itself_can_stop_a_request(name: str) -> None:
    """Nothing that a rule may name is overlooked."""
    record: dict[str, Any] = {
        "issuer": "vault",
        "requester": "arn:aws:sts::1:assumed-role/deploy/run-1",
        "resource": "aws/creds/app",
        "privilege": "write",
        "actions": ["write", "read"],
        "consumer": "team-7/app",
        "source": {
            "ip": "2001:db8::1",
            "environment": "prod",
            "region": "eu-west-1",
            "user_agent": "curl/8.5.0",
            "workload": "Deploy-71",
        },
    }
    server, client = both(record)
    value = named_in(server, IDENTITIES.fold)[name]
    assert value is not None
    for wanted, stops in ((value, True), (f"{value}x", False)):
        view = Told(
            position=9,
            full=True,
            new=(rule(1, IDENTITIES.fold(server.requester), {name: wanted}),),
            deleted=(),
            halted=False,
            policy=Policy(identity=RULES),
        )
        known = DenyList().taking(read(msgspec.json.encode(telling(view))), now=NOW)
        assert (known.blocking(client, now=NOW) is not None) is stops
