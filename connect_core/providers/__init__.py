"""What a provider is, base providers for OAuth 2.0 and OpenID Connect, the register of plugins, and calling a provider.

Never touches members, sessions or cookies. Only `registry` and `runtime_settings` know what the shop configured.
"""
