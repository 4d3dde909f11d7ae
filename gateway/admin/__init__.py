"""The `pop3gw` command: one module for each noun."""
