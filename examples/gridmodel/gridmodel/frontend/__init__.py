"""The page: a process of its own that serves it and hands what it asks for on to the service."""
