"""Event to facets: small functions over one event's own words, without state and without a clock."""
