"""What happens to a live server when everything around it breaks: `python -m bench.chaos`, `make bench-chaos`.

One `assayer serve` a disaster, on a copy of one learnt data directory, under a steady load of honest asks and events
that never stops. Afterwards the log is opened and held against every answer that was given.
"""
