"""Lets Twisted find the checkers of pop3gw: `--auth passwd-file:PATH` and the others."""

from gateway.accounts.sources.kinds import KINDS

passwd_file, sql, ldap, pam, http = KINDS
