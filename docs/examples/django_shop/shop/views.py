"""The shop's pages, in Django."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


async def home(request: HttpRequest) -> HttpResponse:
    """Greet the member, or offer the login page, from which the visitor comes back here."""
    return render(request, "home.html")


async def orders(request: HttpRequest) -> HttpResponse:
    """The member's orders; in your shop they come from your models, by `member.uid`."""
    if request.member is None:
        return JsonResponse({"detail": "please log in"}, status=401)
    return JsonResponse({"member": request.member.uid, "orders": []})
