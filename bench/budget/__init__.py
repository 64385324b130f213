"""What a year of honest life costs: false step-ups and denies against an operator's budgets, and what breaks them.

`python -m bench.budget`. The engine is a black box here: rows in, verdicts out, at the default policy.
"""
