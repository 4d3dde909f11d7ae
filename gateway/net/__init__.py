"""What every listener shares: connections, TLS, listeners, limits."""
