"""The HTTP side: `app.create_app` makes it around an engine, `server.serve` runs it, `tokens` says who may call.

Nothing is imported here: `assayer token` needs no web framework.
"""
