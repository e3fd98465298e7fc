"""The policies: Prefect tasks over the domain, with their retries, limits and artifacts."""
