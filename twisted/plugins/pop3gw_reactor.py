"""Lets `--reactor pop3gw` be found."""

from twisted.application.reactors import Reactor

pop3gw = Reactor(
    "pop3gw", "gateway.net.reactor", "epoll(7) without a logging context for each event."
)
