"""Posted forms of the admin page: fields of one line or several, repeated fields, uploaded files.

What is read is bounded in size. Never decides what a value means.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message

from connect_core.errors import BadRequest
from connect_core.limits import REQUEST_BODY_LIMIT, REQUEST_VALUE_LIMIT
from connect_core.web.requests import read_content

TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field
"""The hidden field that every form has: it proves that a page of this administrator's session posted it."""
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MOST_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Form:
    """A posted form. `pairs` are its fields in their order, `files` the content of the uploaded files by field."""

    pairs: Sequence[tuple[str, str]] = field(default=(), repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __contains__(self, name: str) -> bool:
        """Tell whether a field of this name came, as a ticked box does."""
        return any(key == name for key, _ in self.pairs)

    def get(self, name: str, default: str = "") -> str:
        """Return the value of a field of one line, the first if there are several; `default` if it did not come.

        Raises `BadRequest` for control characters, which no form of ours lets anybody type.
        """
        value = next((value for key, value in self.pairs if key == name), default)
        if _CONTROL.search(value) or len(value) > REQUEST_VALUE_LIMIT:
            raise BadRequest(f"{name}: control characters, or too long")
        return value

    def get_lines(self, name: str) -> str:
        """Return the value of a field of several lines, which end with a line feed. Raises as `get`."""
        value = next((value for key, value in self.pairs if key == name), "").replace("\r\n", "\n")
        if _CONTROL_BUT_LINES.search(value):
            raise BadRequest(f"{name}: control characters")
        return value

    def get_all(self, name: str) -> list[str]:
        """Return the values of a field that may come several times. Raises as `get`."""
        values = [value for key, value in self.pairs if key == name]
        if any(_CONTROL.search(value) for value in values):
            raise BadRequest(f"{name}: control characters")
        return values

    def get_file(self, name: str) -> bytes | None:
        """Return the content of an uploaded file; None where no file was chosen."""
        return self.files.get(name) or None


async def read_form(request: Request) -> Form:
    """Return the posted form, url-encoded or multipart. Raises `BadRequest` for one above `REQUEST_BODY_LIMIT`."""
    content = await read_content(request, REQUEST_BODY_LIMIT)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _parse_multipart(request, content)
    try:
        text = content.decode("utf-8", "surrogateescape")
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadRequest("the form has too many fields") from None
    return Form(pairs)


async def _parse_multipart(request: Request, content: bytes) -> Form:
    """Parse a form with files (RFC 7578); the body has been read, and is no longer than our limit."""

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    try:
        async with Request(request.scope, receive).form(
            max_files=50, max_fields=_MOST_FIELDS, max_part_size=REQUEST_BODY_LIMIT
        ) as fields:
            pairs = [(name, value) for name, value in fields.multi_items() if isinstance(value, str)]
            uploads = [(name, value) for name, value in fields.multi_items() if isinstance(value, UploadFile)]
            files = {name: await upload.read() for name, upload in uploads}
    except (MultiPartException, HTTPException, UnicodeDecodeError):
        raise BadRequest("the form cannot be read") from None
    return Form(pairs, files)
