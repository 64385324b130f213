"""How a step-up goes on: what is offered and signed, who or what may answer it, and on which terms.

Nothing is imported here: whoever only reads the terms need not load what signs and fetches.
"""
