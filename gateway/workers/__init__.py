"""Several processes that serve as one gateway: a supervisor, and the workers that it forks.

The supervisor builds the gateway and binds its ports, once, and serves nobody. Each worker is
forked from it, so that it has the bound sockets, and all that was read with the rights of the
start. A line between the two, a pair of sockets, tells each that the other is gone.
"""
