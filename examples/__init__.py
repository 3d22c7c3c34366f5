"""Servers to copy: each runs as it stands, and each is tested."""
