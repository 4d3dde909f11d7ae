"""`python -m gateway.admin` is `pop3gw`."""

from gateway.admin.main import main

main()
