"""Dates and times as members read them: in their language, in the shop's time zone. Never reads the clock."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, format_timedelta, get_datetime_format, get_time_format
from jinja2 import pass_context
from jinja2.runtime import Context

from connect_core.identity import Language
from connect_core.languages import get_primary

_NAMED_ZONE = "UTC"
"""The zone whose name pages say, because nobody lives by it. A shop's own zone is its members' as well."""


def format_day(moment: datetime, language: Language, zone: ZoneInfo) -> str:
    """Return the day of an aware `moment` in `zone`: `Mar 1, 2026` in English, `2026年3月1日` in Chinese.

    Months are abbreviated where the language has that: a day and its words have to fit into one line of a phone.
    """
    return format_date(moment.astimezone(zone).date(), "medium", locale=find_locale(language))


def format_moment(moment: datetime, language: Language, zone: ZoneInfo) -> str:
    """Return an aware `moment` in `zone` to the minute: `Mar 1, 2026, 4:00 PM` in English, in UTC with its name."""
    locale = find_locale(language)
    pattern = get_time_format("short", locale=locale).pattern
    if "'" not in pattern:
        pattern = pattern.replace("a", "aaaa")  # the long form: Koreans read 오후, not PM
    time = format_time(moment, pattern, tzinfo=zone, locale=locale)
    order = str(get_datetime_format("medium", locale=locale)).replace("'", "")
    text = order.replace("{0}", time).replace("{1}", format_day(moment, language, zone))
    return f"{text} {zone.key}" if zone.key == _NAMED_ZONE else text


@lru_cache(64)
def find_locale(language: Language) -> Locale:
    """Return the rules by which dates are written in `language`, a tag; English ones where there are none."""
    for tag in (language, get_primary(language)):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def describe_wait(seconds: int, language: Language) -> str:
    """Return in how long something may be tried again, such as `in 20 minutes`; less than a minute counts as one."""
    wait = timedelta(seconds=max(seconds, 60))
    return format_timedelta(wait, granularity="minute", add_direction=True, locale=find_locale(language))


def make_filters(zone: ZoneInfo) -> Mapping[str, Callable[[Context, datetime], str]]:
    """Return the filters of templates: `day` and `moment`, which write an aware datetime in the page's language."""

    @pass_context
    def day(context: Context, moment: datetime) -> str:
        return format_day(moment, context["t"]["html_language"], zone)

    @pass_context
    def moment(context: Context, moment: datetime) -> str:
        return format_moment(moment, context["t"]["html_language"], zone)

    return {"day": day, "moment": moment}
