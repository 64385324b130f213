"""Measurements. They print tables and gate nothing."""
