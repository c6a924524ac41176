"""The routes by which members look after their own account: connections, sessions, merges, personal data."""
