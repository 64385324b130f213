"""What is normal: per requester, its peers, its issuer, the fleet. River lives here.

Everything here is a fold of what was really issued and used; weighing reads,
learning writes, and nothing else does either.
"""
