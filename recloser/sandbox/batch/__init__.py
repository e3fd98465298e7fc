"""AWS Batch on this machine: the REST API, a store, a scheduler, and a runner of real processes.

Isolation is by process only: a job sees the file system and the network of whoever started the sandbox.
"""
