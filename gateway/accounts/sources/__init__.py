"""Where people prove who they are, if not with the embedded passwords: one module for each kind."""
