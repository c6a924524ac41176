"""Reads a posted form with files (RFC 7578): its texts, and the content of each file, within limits of size and number.

Keeps nothing on disk. What the texts mean is up to `field_values`.
"""

import re
from collections.abc import AsyncIterator, Iterable

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from connect_core.errors import BadRequest
from connect_core.limits import REQUEST_BODY_LIMIT
from connect_core.web.admin.field_values import FILE_LIMIT, Submission
from connect_core.web.requests import read_content, read_form

MOST_FIELDS = 1000
"""Inputs of the largest form: every key of a provider, for it and for each client type."""
MOST_FILES = 50
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters but those that end a line or indent it, and halves of surrogate pairs."""


async def read_submission(request: Request) -> Submission:
    """Return the posted form. Raises `BadRequest` for one above `REQUEST_BODY_LIMIT`, and for what is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return Submission(_group((await read_form(request)).pairs), {})
    body = await read_content(request, REQUEST_BODY_LIMIT)
    parser = MultiPartParser(
        request.headers, _stream(body), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=REQUEST_BODY_LIMIT
    )
    try:
        parsed = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise BadRequest("the form cannot be read") from None
    pairs = parsed.multi_items()
    files = {name: await value.read(FILE_LIMIT + 1) for name, value in pairs if isinstance(value, UploadFile)}
    await parsed.close()
    return Submission(_group((name, value) for name, value in pairs if isinstance(value, str)), files)


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the texts by name. Raises `BadRequest` for one that no configuration can hold."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        if _UNPRINTABLE.search(text):
            raise BadRequest("a text of the form contains control characters")
        texts.setdefault(name, []).append(text)
    return texts


async def _stream(body: bytes) -> AsyncIterator[bytes]:
    yield body
