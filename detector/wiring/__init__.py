"""Settings and the composition root: the one place that sees the environment and puts the parts together.

`settings` is what an operator may write, `files` reads it, `problems` says what
is wrong with it, `reference` documents it, `logs` configures logging and
`compose` builds the running whole. Nothing is imported here, so that a command
pays only for what it uses.
"""
