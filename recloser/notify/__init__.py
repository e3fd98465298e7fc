"""Who is told: rules, groups, one durable outbox, and the channels behind it."""
