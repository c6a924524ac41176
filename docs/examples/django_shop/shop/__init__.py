"""A shop in Django, with the logins beside it in the same process."""
