"""What other services of the shop do with tokens: ask about them, revoke them, and read where all of it is.

RFC 7662 (introspection), RFC 7009 (revocation) and RFC 8414 (metadata). Never issues a token.
"""
