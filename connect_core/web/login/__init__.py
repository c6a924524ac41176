"""The routes of a login: start, callback, tokens, the login page, the first-login page, QR logins."""
