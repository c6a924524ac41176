"""HTTP calls to vendors. Every one goes through here, and nothing else in the core imports aiohttp.

A process has one pool of connections, and each provider a limit of its own on concurrent calls, so that a slow vendor
does not delay the others. A call has a total deadline, follows no redirect, decodes no content encoding, reads at most
1 MiB and is sent once: aiohttp's silent second attempt of a GET is switched off, because with some vendors a GET
redeems a code. No URL appears in a log line or an error.

Webhooks to the shop's own systems have connections and limits of their own (`WebhookClient`), and reach public
addresses alone unless the shop allows others.
"""

from connect_core.http.answers import Answer, parse_object
from connect_core.http.client import TOTAL_DEADLINE, Http, HttpPool
from connect_core.http.network import CONNECT_DEADLINE, Network, Transport
from connect_core.http.observation import AnswerCount, count_answers, note_trace
from connect_core.http.requests import Request, encode_form, with_query
from connect_core.http.webhooks import POST_SECONDS, Posted, WebhookClient

__all__ = [
    "CONNECT_DEADLINE",
    "POST_SECONDS",
    "TOTAL_DEADLINE",
    "Answer",
    "AnswerCount",
    "Http",
    "HttpPool",
    "Network",
    "Posted",
    "Request",
    "Transport",
    "WebhookClient",
    "count_answers",
    "encode_form",
    "note_trace",
    "parse_object",
    "with_query",
]
