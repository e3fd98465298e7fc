"""The grid itself: tables, loads, power flow, data sets. Knows nothing of HTTP."""
