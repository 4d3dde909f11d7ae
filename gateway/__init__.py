"""pop3gw: a Twisted mail gateway that receives mail over SMTP and serves it over POP3."""
