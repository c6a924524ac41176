"""The checks behind `connect-login doctor`: what is wrong with a configuration and the service that runs with it.

Each module checks one subject, and begins with the kinds of findings that it reports. Checks change nothing that lasts.
What they find is printed by the command, not here.
"""
