"""Mailboxes and accounts of another server, moved in without a second download.

One file for each form that another server keeps things in (`dovecot_uidlist`, `courier_sizelist`,
`passwd_file`, `sql_dump`: octets in, values out), one for each kind of source, and the steps that
store what they give.
"""
