"""The routes of a login: start, callback, tokens, the login page, the question put to newcomers, QR logins."""
