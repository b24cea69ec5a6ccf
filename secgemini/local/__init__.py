"""The embedded service: the whole wire contract, on this machine, without an account."""
