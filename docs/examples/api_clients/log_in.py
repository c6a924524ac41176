"""Logs a member in with a mini program's code, and greets them."""

from connect_login_client import ConnectLogin, Refusal


def greet(service: str, code: str) -> str:
    """Return a greeting, or what to do when the login is refused."""
    with ConnectLogin(service) as shop:
        try:
            answer = shop.log_in("alipay", "mini", code=code, device_id="phone")
        except Refusal as refusal:
            return "Please log in again." if refusal.status < 500 else "Please try later."
        if "access_token" not in answer:
            return "Please read our terms first."  # see "Newcomers who must agree to your terms"
        shop.access_token = answer["access_token"]
        return f"Hello {shop.me()['nickname']}"
