"""What we tell others, delivered from the log: shared signals (SSF, CAEP), plain webhooks, OCSF findings.

The engine announces by appending to the log. Everything here reads there, behind a cursor a stream, so that a dead
receiver holds up neither a verdict nor another stream, and nothing is lost that it did not take.
"""
