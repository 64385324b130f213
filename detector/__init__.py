"""Assayer: asks, before a credential is minted, whether this request looks like this requester."""
