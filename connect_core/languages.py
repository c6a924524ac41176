"""Language tags (BCP 47): their form, which of the offered languages a visitor gets, and looking texts up by them.

Values only. Never reads a request or a file.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

HEADER_LIMIT = 4096
"""Most characters of an `Accept-Language` header or a tag that are read."""
TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_SIMPLIFIED = frozenset({"hans", "cn", "sg", "my"})
_REFUSED = -1.0  # a weight of 0 says "not acceptable", which is less than not being named
_RANGE = re.compile(
    r"[ \t]*(?P<range>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def get_primary(tag: str) -> str:
    """Return the primary language of a tag, in lower case: `zh` for `zh-TW`."""
    return tag.partition("-")[0].lower()


def match_language(tag: str, offered: Sequence[str]) -> str | None:
    """Return which of the `offered` languages a reader of `tag` gets, None if there is none.

    The tag is shortened from its end (RFC 4647 §3.4): `en-GB` gets `en`. A tag without a region gets the first offered
    language that begins with it: `pt` gets `pt-BR`. Chinese goes by its script, which a region stands for: `zh-HK` and
    `zh-Hant` get `zh-TW`; `zh`, `zh-SG` and `zh-Hans` get `zh-CN`; where that is not offered, the other.
    """
    subtags = tag[:HEADER_LIMIT].lower().split("-")
    if subtags[0] == "zh":
        is_traditional = _is_traditional(subtags)
        chinese = [language for language in offered if get_primary(language) == "zh"]
        chinese.sort(key=lambda language: _is_traditional(language.lower().split("-")) != is_traditional)
        exact = [language for language in chinese if language.lower() == tag.lower()]
        return next(iter(exact + chinese), None)
    names = {language.lower(): language for language in reversed(offered)}
    for length in range(len(subtags), 0, -1):
        if language := names.get("-".join(subtags[:length])):
            return language
    return next((language for language in offered if get_primary(language) == subtags[0]), None)


def _is_traditional(subtags: Sequence[str]) -> bool:
    scripts = [subtag for subtag in subtags[1:] if subtag in _TRADITIONAL | _SIMPLIFIED]
    return bool(scripts) and scripts[0] in _TRADITIONAL


@lru_cache(256)
def pick_language(accept_language: str, offered: tuple[str, ...], default: str) -> str:
    """Return the language that an `Accept-Language` header asks for, `default` where it asks for none of `offered`.

    Quality values as in RFC 9110 §12.5.4; ranges as in `match_language`; of equals the first named wins. A malformed
    range is passed over; a header above 4 KiB is not read at all. Never raises.
    """
    weights: dict[str, float] = {}
    others = 0.0
    for item in accept_language.split(",") if len(accept_language) <= HEADER_LIMIT else ():
        if not (match := _RANGE.fullmatch(item)):
            continue
        weight = float(match["weight"] or 1) or _REFUSED
        if match["range"] == "*":
            others = weight
        elif language := match_language(match["range"], offered):
            weights[language] = max(weight, weights.get(language, _REFUSED))
    for language in (default, *offered):
        weights.setdefault(language, others)
    return max(weights, key=lambda language: weights[language])


def find_text(texts: Mapping[str, str], language: str) -> str:
    """Return the text for the tag `language`: its own, else its primary language's, else English, else the first.

    The keys of `texts` are tags. Returns the empty text where there is none.
    """
    for tag in (language, get_primary(language), "en"):
        if text := texts.get(tag):
            return text
    return next(iter(texts.values()), "")
