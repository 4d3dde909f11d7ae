"""Lets `twistd` and `twist` find pop3gw."""

from twisted.application.service import ServiceMaker

pop3gw = ServiceMaker(
    "pop3gw", "gateway.tap", "A mail gateway: receives over SMTP, serves over POP3.", "pop3gw"
)
