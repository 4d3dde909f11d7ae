# Runs pop3gw as a Twisted application:   twistd -ny pop3gw.tac
#
# It serves in one process: leave [service] workers out.
# Add your own services to `application` to run them in the same process.
# As root, give the user to run as:       twistd -n --uid pop3gw -y pop3gw.tac
# and name the same user as `owner` below, (uid, gid), so that what is created belongs to it.

from twisted.application.service import Application

from gateway.tap import make_gateway

application = Application("pop3gw")
make_gateway(config="/etc/pop3gw/pop3gw.toml").setServiceParent(application)
