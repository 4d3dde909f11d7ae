"""What `pop3gw check` looks at: one module for each thing."""
