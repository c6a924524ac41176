"""The member's own pages and their JSON: connections, sessions, merges, personal data. All of them need a login."""
