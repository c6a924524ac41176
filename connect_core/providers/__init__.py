"""What a provider is, the base providers for standard protocols, where plugins register theirs, and how one is asked.

Never touches members, sessions or cookies; only `registry` and `runtime_settings` know what the shop configured.
"""
