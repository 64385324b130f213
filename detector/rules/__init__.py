"""Targeted deny rules: who and what they match, how narrow they are found, and how they live and end."""

from detector.rules.life import (
    ENDED,
    ENTERED,
    Backtest,
    Goal,
    Override,
    Rule,
    RuleChange,
    RuleState,
    Stage,
)
from detector.rules.search import Abusive, narrowest
from detector.rules.selector import SELECTABLE, Selector, by_hand, folded

__all__ = [
    "ENDED",
    "ENTERED",
    "SELECTABLE",
    "Abusive",
    "Backtest",
    "Goal",
    "Override",
    "Rule",
    "RuleChange",
    "RuleState",
    "Selector",
    "Stage",
    "by_hand",
    "folded",
    "narrowest",
]
