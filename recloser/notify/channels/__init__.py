"""The ways to receivers, made from what a target declares and the secrets it names."""
