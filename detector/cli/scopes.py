"""A rule's scope as options of a command line."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

RequesterOption: TypeAlias = Annotated[
    str, typer.Option("--requester", metavar="NAME", help="Whom it stops: always named.")
]
IssuerOption: TypeAlias = Annotated[str | None, typer.Option("--issuer", metavar="NAME", help="Only at this issuer.")]
ResourceOption: TypeAlias = Annotated[
    str | None, typer.Option("--resource", metavar="NAME", help="Only for this resource.")
]
PrivilegeOption: TypeAlias = Annotated[
    str | None, typer.Option("--privilege", metavar="P", help="Only read, write or admin.")
]
NetworkOption: TypeAlias = Annotated[str | None, typer.Option("--network", metavar="N", help="Only from this network.")]
MatchOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--match", metavar="FIELD=VALUE", help="Only where another field has this value: area, actions, client, …"
    ),
]


def scope(named: dict[str, str | None], match: list[str] | None) -> dict[str, str]:
    """What is named, and what `--match` adds. Raises `typer.BadParameter` naming what cannot be matched.

    >>> scope({"requester": "ci/a", "issuer": None}, ["area=db"])
    {'requester': 'ci/a', 'area': 'db'}
    """
    from detector.rules import SELECTABLE

    found = {name: value for name, value in named.items() if value is not None}
    for pair in match or ():
        name, equals, value = pair.partition("=")
        if name not in SELECTABLE or not equals or not value:
            raise typer.BadParameter(f"--match {pair}: write FIELD=VALUE, with one of {', '.join(SELECTABLE)}")
        found[name] = value
    return found
