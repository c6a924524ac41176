"""How much is read of what comes from outside, where no standard sets a limit.

A limit is there against floods, not to say how long a code or a picture's link may be: vendors make theirs longer from
year to year, and a limit that is too low costs logins. So these are generous, and each is a multiple of the longest
value that a vendor is known to send.
"""

ANSWER_LIMIT = 1024 * 1024
"""Bytes of the body of a vendor's answer."""
ANSWER_HEADER_LIMIT = 64 * 1024
"""Bytes of one header of a vendor's answer, and of its status line."""
CODE_LIMIT = 8 * 1024
"""Characters of an authorization code, and of the code for a phone number."""
TOKEN_LIMIT = 64 * 1024
"""Characters of an ID token, an access token or another signed text of a vendor."""
LOGIN_URL_LIMIT = 8 * 1024
"""Characters of a login URL or deep link that a plugin returns: browsers and proxies take little more."""
REQUEST_HEAD_LIMIT = 64 * 1024
"""Bytes of the request line and headers of a request to us: a callback has the code in its URL, and cookies beside."""
REQUEST_BODY_LIMIT = 256 * 1024
"""Bytes of the body of a request to us: two tokens, each form-encoded."""
KEEP_ALIVE_SECONDS = 130
"""How long a connection to us stays open between two requests: longer than any usual proxy or client keeps it.

Whoever closes an idle connection first must be the one who sends requests: a request that meets a closing connection is
lost, and only some are sent again (RFC 9112 §9.3.1, §9.5). Proxies keep theirs for 60 (nginx, AWS), 90 (Traefik) or 120
(Caddy) seconds.
"""
NOTICE_LIMIT = 64 * 1024
"""Bytes of what a vendor tells of a person's account."""
REQUEST_VALUE_LIMIT = TOKEN_LIMIT
"""Characters of one value in the query or body of a request to us."""
PICTURE_LIMIT = 2048
"""Characters of a picture's link."""
LOCATION_LIMIT = 512
"""Characters of a location that is stored with a session: names in several languages, as JSON."""
