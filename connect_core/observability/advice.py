"""What an operator does about each error code: for `connect-login explain`, and for the reference page of errors.

Written for operators in English. What a member reads is in `web.pages.messages`.
"""

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "bad_request": (
        "Nothing for a few. If it concerns everybody: a front end sends a parameter twice, or a body that is "
        "no flat JSON object."
    ),
    "state_missing": (
        "Nothing for a few. If it concerns everybody: a front end does not send `state` back, or an app its `ticket`."
    ),
    "state_invalid": (
        "Nothing for a few: somebody changed browsers, or repeated another browser's callback. If it concerns "
        "everybody: cookies do not arrive. Check that `public_url` is the address in the browser. As a "
        "warning: a cookie arrived and does not open. `reason` says whether it was altered, or sealed by a "
        "process with other `secret_keys`."
    ),
    "state_expired": (
        "Nothing: the person took longer than ten minutes. As a warning: the browser still had its cookie, so "
        "the clocks of two processes differ."
    ),
    "redirect_not_allowed": "Add the front end's address to `redirect_allow`, if it is one of yours.",
    "provider_denied": "Nothing. The person refused.",
    "code_missing": "Nothing for a few. If it concerns everybody: a front end posts the code under another name.",
    "code_seen": (
        "Nothing for a few. If it concerns everybody: a front end sends each code twice. After a lost answer "
        "an app or mini program gets a new code from its SDK, which asks the person nothing."
    ),
    "code_invalid": (
        "Nothing for a few. If it concerns everybody: the code was made for another app id than the configured one."
    ),
    "not_logged_in": "Nothing.",
    "client_invalid": (
        "A gateway or another service has no entry in `[resource_servers]`, or not the secret that stands there. If no "
        "service of yours asks, somebody guesses; `failures_per_address` slows them down."
    ),
    "token_invalid": (
        "Nothing for a few. If there are many at once: `secret_keys` was replaced instead of extended, or a "
        "client keeps using old refresh tokens."
    ),
    "member_disabled": "Nothing, unless this member should be able to log in (`es_member.disabled`).",
    "consent_required": (
        "Nothing for a few: somebody did not tick the box. If it concerns everybody: a front end does not "
        "send `consent`, or sends another version than `[pages] terms_version`."
    ),
    "forbidden": "A page of another origin posts here. If it is your front end: add it to `cors_origins`.",
    "unsupported": "If the provider should be there: list it in `[clients]`.",
    "already_bound": "Nothing. The identity belongs to another member.",
    "last_connection": "Nothing.",
    "changed_meanwhile": "Read it, or open the page, again, and repeat the change if it is still wanted.",
    "rate_limited": (
        "Nothing for a few. If it concerns everybody: requests come through a proxy that is not in "
        "`trusted_proxies`, so all have the same address."
    ),
    "provider_unsigned": (
        "Act at once: an answer did not come from the vendor. Check the vendor's public key or certificate, "
        "and the network between you and the vendor."
    ),
    "provider_bad_response": (
        "Look at `reason`. The vendor is out of order or has changed its answers, or a plugin has a mistake."
    ),
    "provider_refused": (
        "Wait: the vendor is busy or cannot be reached, or you are over its limit. After several outages in a row "
        "its logins are held back, which is logged at level info. If it lasts: check DNS and "
        "the network, or ask the vendor, with the trace id. At level info: the person came back with an error "
        "that nobody here knows. If it means that they refused, name it in `denial_words`."
    ),
    "provider_config": (
        "Act: the vendor does not accept your registration. A key, app id, certificate, callback address or "
        "permission is wrong or has expired."
    ),
    "provider_timeout": "Wait. If it lasts: check the network to the vendor (DNS, firewall, proxy).",
    "unavailable": (
        "Act: the database does not answer, or too many calls to one vendor are waiting. `reason` says which."
    ),
}
"""By code, with Markdown for the names of settings and fields."""
