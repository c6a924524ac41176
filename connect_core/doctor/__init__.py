"""The checks of `connect-login doctor`. They look at what is configured and call vendors; they change nothing."""
