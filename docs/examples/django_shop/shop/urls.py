"""The shop's own addresses; those of the logins are in `shop.asgi`."""

from django.urls import path

from shop.views import home, orders

urlpatterns = [path("", home), path("orders", orders)]
