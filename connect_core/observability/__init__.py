"""What an operator sees: structured log lines, and the log of refused logins. Decides nothing."""
