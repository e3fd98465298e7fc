"""Test suites run in their own interpreter, and every outcome of every test."""
