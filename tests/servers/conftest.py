"""Real servers and proxies in front of the service."""
