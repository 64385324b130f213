"""Markdown that no name can break."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from detector.report import as_json, as_markdown
from detector.report.markdown import HEADINGS
from detector.report.paper import LONGEST_CELL, cell, slug, table
from tests.engine.world import AWAY, World
from tests.report.told import told

HOSTILE = (
    "a|b",
    "a\\|b",
    "a\\",
    "x\n| y | z |",
    "# heading",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "`code` ``more``",
    "[text](https://evil.example)",
    "![i](https://evil.example/p.png)",
    "https://evil.example/login",
    "www.evil.example",
    "mailto:a@evil.example",
    "*bold* _it_ ~~gone~~",
    '=HYPERLINK("https://evil.example")',
    "- item",
    "1. item",
    "> quote",
    "---",
    "\u202eevil\u2066",
    "\x1b[2J\x07",
    "&lt;b&gt;",
    "$x$ ^y^ {z}",
    " ",
    "",
)


class Text(HTMLParser):
    """The tags and the text of rendered Markdown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        """Note it."""
        self.tags.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Add it to the cell that is open."""
        if self.cells:
            self.cells[-1] += data


def rendered(markdown: str) -> Text:
    """Markdown as a renderer of tables and links shows it."""
    reader = Text()
    reader.feed(MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").render(markdown))
    return reader


def shown(name: str) -> str:
    """What a reader should see of a name that is not too long."""
    seen = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name).strip()
    return seen or "–"


def assert_inert(name: str) -> None:
    """In a table's row a name is one cell of plain text, and its neighbours are theirs."""
    page = rendered("\n".join(table(("name", "count"), [(name, 7), ("next", 8)])))
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert [text.strip() for text in page.cells] == ["name", "count", shown(name), "7", "next", "8"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_plain_text(name: str) -> None:
    """No cell more, no tag, no link, and what is read is the name."""
    assert_inert(name)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=LONGEST_CELL // 8))
def test_any_name_is_plain_text(name: str) -> None:
    """Whatever it is made of."""
    assert_inert(name)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from("|\\`*_<>[]()!#-+=&~:/.@ \nwhttps"), max_size=12).map("".join))
def test_any_markup_is_plain_text(name: str) -> None:
    """Made of nothing but markup."""
    assert_inert(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_a_name_holds_is_followed_by_renderers_that_link_bare_addresses(name: str) -> None:
    """They look for `https:`, `www.` and the like in the text as it is written."""
    written = cell(name)
    assert "http:" not in written
    assert "https:" not in written
    assert "www." not in written
    assert "@" not in written


def test_a_long_name_is_cut() -> None:
    """Two thousand characters would push every other column off the page."""
    assert len(cell("x" * 2_000)) == LONGEST_CELL
    assert cell("x" * 2_000).endswith("…")


def test_a_whole_report_of_hostile_names_keeps_its_form() -> None:
    """As requester, issuer, resource, consumer, purpose, task, reviewer and reason."""
    plain, hostile = World().live(2), World().live(2)
    for world, names in ((plain, [f"n{number}" for number in range(len(HOSTILE))]), (hostile, HOSTILE)):
        for name in names:
            name = name or "x"  # noqa: PLW2901 - a requester has a name
            common = {"issuer": name, "resource": name, "consumer": name, "purpose": name, "task": name}
            world.issue(requester=name, on_behalf_of=(name,), ttl_seconds=None, **common)
            world.ask(requester=name, source=AWAY, break_glass=True, **common)
        world.engine.turn_kill_switch(engaged=True, by=names[0], because=names[1])
    told_plain, told_hostile = rendered(as_markdown(told(plain))), rendered(as_markdown(told(hostile)))
    harmless = {"table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "p", "a", "em", "strong"}
    assert set(told_hostile.tags) <= harmless
    links = [tag for tag in told_hostile.tags if tag == "a"]
    assert len(links) == told_plain.tags.count("a")


def test_every_link_leads_to_a_heading() -> None:
    """A reader who follows one arrives."""
    import re

    text = as_markdown(told(World().live(1)))
    headings = {slug(found) for found in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert links <= headings
    assert {slug(heading) for heading in HEADINGS.values()} <= headings


def test_what_is_redacted_is_told_as_it_stands() -> None:
    """A mark is a name like any other, whole in the JSON."""
    mark = "redacted:hmac-sha256:" + "6ea00c70" * 4
    world = World(dataclasses.replace(World().policy))
    world.issue(consumer=mark, task=mark, purpose=mark)
    assert mark.encode() in as_json(told(world))
    assert mark in as_markdown(told(world))
