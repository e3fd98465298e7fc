"""The ways to receivers, made from what a target declares and the secrets it names."""

CALL_TIMEOUT_S = 10.0
"""How long a receiver may stay silent within one call."""
