"""The pages of a sandbox that people see: where a person agrees or refuses, in place of the app, and errors.

Each is whole in itself: it loads nothing, has no script, and is readable in light and dark. Never decides anything.
"""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

_FRAME = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;--ground:#f2f4f7;--surface:#fff;--ink:#17212b;--soft:#566372;--line:#d9e0e8;
--field:#7b8794;--accent:#1b62c9;--on-accent:#fff}}
@media(prefers-color-scheme:dark){{:root{{--ground:#0f1419;--surface:#182028;--ink:#eef2f6;--soft:#a3b0be;--line:#3a4857;
--field:#74869a;--accent:#8ab8ff;--on-accent:#0b1b33}}}}
*{{box-sizing:border-box}}
body{{font:16px/1.5 system-ui,sans-serif;margin:0;padding:5vh 16px;background:var(--ground);color:var(--ink);
overflow-wrap:anywhere}}
main{{max-width:26rem;margin:0 auto;padding:28px 24px;border-radius:20px;background:var(--surface)}}
.note{{margin:0 0 20px;padding:6px 12px;border-radius:8px;background:var(--ground);
color:var(--soft);font-size:.8125rem}}
h1{{font-size:1.375rem;line-height:1.3;margin:0 0 8px}} p{{margin:0 0 16px;color:var(--soft)}}
fieldset{{margin:0 0 16px;padding:0;border:0}} legend{{padding:0;font-weight:600}}
fieldset label{{display:flex;align-items:center;min-height:48px;border-bottom:1px solid var(--line)}}
fieldset input{{width:20px;height:20px;margin:0 12px 0 0;accent-color:var(--accent)}}
small{{margin-left:8px;color:var(--soft);font-size:.875rem}}
input[type=text]{{display:block;width:100%;min-height:48px;padding:10px 14px;margin:4px 0 16px;
border:1px solid var(--field);border-radius:12px;background:var(--surface);color:var(--ink);font:inherit}}
button,.open{{display:block;width:100%;min-height:52px;margin:0 0 12px;padding:14px;border:1px solid transparent;
border-radius:12px;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer;
text-align:center;text-decoration:none}}
button[value=refuse]{{margin:0;border-color:var(--line);background:transparent;color:var(--ink);font-weight:500}}
:focus-visible{{outline:3px solid var(--accent);outline-offset:2px}}
</style>
</head>
<body>
<main>
<p class="note">沙箱，不是真实的平台 · A sandbox, not the real platform</p>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
_CONSENT = """<p>{app} 申请获得您的信息 · asks for <code>{scope}</code></p>
<form method="post">
<fieldset><legend>用谁的账号登录？ · Whose account?</legend>
{choices}
</fieldset>
<label>其他人 · Somebody else<input type="text" name="somebody" maxlength="32" autocomplete="off"></label>
<button name="decision" value="agree">同意 · Agree</button>
<button name="decision" value="refuse">拒绝 · Refuse</button>
</form>"""
_APP = """<p>这里代替手机上的 App · In place of the app on a phone</p>
<a class="open" href="{url}">打开 {host} · Open</a>"""
_CHOICE = '<label><input type="radio" name="person" value="{key}"{checked}> {name} <small>{key}</small></label>'


def get_consent_page(title: str, app: str, scope: str, people: Iterable[tuple[str, str]]) -> str:
    """Return the page on which a person agrees or refuses; `people` are keys with names, the first one is chosen."""
    choices = "\n".join(
        _CHOICE.format(key=escape(key), name=escape(name), checked="" if place else " checked")
        for place, (key, name) in enumerate(people)
    )
    return _frame(title, _CONSENT.format(app=escape(app), scope=escape(scope), choices=choices))


def get_app_page(title: str, url: str) -> str:
    """Return the page that stands for the vendor's app, with a link to the page `url` that the app is to open."""
    return _frame(title, _APP.format(url=escape(url), host=escape(urlsplit(url).netloc)))


def get_error_page(title: str, text: str) -> str:
    """Return the page that shows an error."""
    return _frame(title, f"<p>{escape(text)}</p>" if text else "")


def _frame(title: str, content: str) -> str:
    return _FRAME.format(language="zh-CN", title=escape(title), content=content)
