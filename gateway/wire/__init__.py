"""Octets in, values out: the grammars of POP3 and SMTP, without I/O, clock or log."""
