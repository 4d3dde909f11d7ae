"""Everything an SMTP or LMTP server says, named once.

Codes from RFC 5321 section 4.2, enhanced codes from RFC 3463 and the registry of RFC 5248, those
of AUTH from RFC 4954 section 6. The texts are for the person who reads a log or a bounce: what
happened, and what to do.
"""

from __future__ import annotations

from gateway.wire.replies import SMTPReply

# The session ----------------------------------------------------------------------------------

OK = SMTPReply(250, "2.0.0", "OK")
CLOSING = SMTPReply(221, "2.0.0", "Goodbye")
HELP = SMTPReply(214, "2.0.0", "Commands:")
READY_FOR_TLS = SMTPReply(220, "2.0.0", "Begin the TLS handshake")
SHUTTING_DOWN = SMTPReply(421, "4.3.2", "The server is shutting down, try again in a moment")
IDLE_TOO_LONG = SMTPReply(421, "4.4.2", "Nothing was received for too long, closing the connection")
TOO_MANY_CONNECTIONS = SMTPReply(421, "4.7.0", "Too many connections, try again later")
TOO_MANY_ERRORS = SMTPReply(421, "4.7.0", "Too many errors, closing the connection")
TOO_MANY_COMMANDS = SMTPReply(421, "4.7.0", "Too many commands, closing the connection")
TOO_MANY_MESSAGES = SMTPReply(
    421, "4.7.0", "Too many messages in one session, send the others in a new one"
)
TALKED_TOO_EARLY = SMTPReply(554, "5.5.1", "Wait for the greeting before sending anything")
NOT_SMTP = SMTPReply(421, "4.7.0", "This is a mail server, it does not speak HTTP")

# Syntax and order of commands -----------------------------------------------------------------

UNKNOWN_COMMAND = SMTPReply(500, "5.5.1", "Unknown command")
EMPTY_COMMAND = SMTPReply(500, "5.5.2", "The line has no command")
LINE_TOO_LONG = SMTPReply(500, "5.5.2", "The command line is too long")
NOT_UTF8 = SMTPReply(500, "5.5.2", "The command is not valid UTF-8")
CONTROL_CHARACTER = SMTPReply(500, "5.5.2", "The command contains a control character")
BAD_ARGUMENTS = SMTPReply(501, "5.5.4", "The arguments of the command are not valid")
NO_ARGUMENTS_ALLOWED = SMTPReply(501, "5.5.4", "This command takes no argument")
HELLO_NEEDS_NAME = SMTPReply(501, "5.5.4", "Say who you are, as in: EHLO host.example.com")
BAD_HELLO_NAME = SMTPReply(
    501, "5.5.4", "Not a host name or address, say for instance: EHLO host.example.com"
)
MAIL_SYNTAX = SMTPReply(501, "5.5.4", "Write it as MAIL FROM:<name@example.com>")
RCPT_SYNTAX = SMTPReply(501, "5.5.4", "Write it as RCPT TO:<name@example.com>")
BDAT_SYNTAX = SMTPReply(501, "5.5.4", "Write it as BDAT octets or BDAT octets LAST")
CHUNK_LOST = SMTPReply(
    421, "4.7.0", "What follows may be a part of a message, closing the connection"
)
BAD_SENDER_SYNTAX = SMTPReply(501, "5.1.7", "The sender's address is not valid")
BAD_RECIPIENT_SYNTAX = SMTPReply(501, "5.1.3", "The recipient's address is not valid")
BAD_PARAMETER = SMTPReply(501, "5.5.4", "A parameter of the command is not valid")
UNKNOWN_PARAMETER = SMTPReply(555, "5.5.4", "A parameter of the command is not supported here")
NEED_HELLO = SMTPReply(503, "5.5.1", "Say EHLO or HELO first")
NEED_MAIL = SMTPReply(503, "5.5.1", "Give the sender with MAIL FROM first")
NEED_RECIPIENT = SMTPReply(503, "5.5.1", "No recipient was accepted, give one with RCPT TO first")
CHUNKS_BEGUN = SMTPReply(
    503, "5.5.1", "The message has begun with BDAT, go on with BDAT or give it up with RSET"
)
ALREADY_IN_TRANSACTION = SMTPReply(
    503, "5.5.1", "A message has already been begun, finish it or give it up with RSET"
)
LMTP_NEEDS_LHLO = SMTPReply(500, "5.5.1", "This is an LMTP server, say LHLO")
SMTP_NEEDS_EHLO = SMTPReply(500, "5.5.1", "This is an SMTP server, say EHLO")

# A message ------------------------------------------------------------------------------------

SENDER_OK = SMTPReply(250, "2.1.0", "The sender is accepted")
RECIPIENT_OK = SMTPReply(250, "2.1.5", "The recipient is accepted")
START_MAIL_INPUT = SMTPReply(354, "", "Send the message, end it with a line with only a dot")
CHUNK_RECEIVED = SMTPReply(250, "2.0.0", "The octets were received")
MESSAGE_STORED = SMTPReply(250, "2.0.0", "The message is stored")
CANNOT_VERIFY = SMTPReply(
    252, "2.5.2", "Addresses are not verified here, but a message to it will be attempted"
)

UNKNOWN_RECIPIENT = SMTPReply(550, "5.1.1", "There is no mailbox with this address here")
RELAY_DENIED = SMTPReply(
    550, "5.7.1", "This server takes mail for its own domains only, not for this one"
)
MAILBOX_DISABLED = SMTPReply(550, "5.2.1", "This mailbox is disabled and receives no mail")
MAILBOX_FULL = SMTPReply(452, "4.2.2", "The recipient's mailbox is full, try again later")
MAILBOX_FULL_FOR_GOOD = SMTPReply(552, "5.2.2", "The recipient's mailbox is full")
TOO_BIG_FOR_MAILBOX = SMTPReply(552, "5.2.2", "The message is larger than this mailbox may hold")
TOO_MANY_RECIPIENTS = SMTPReply(
    452, "4.5.3", "Too many recipients for one message, send it to the others in another one"
)
UTF8_SENDER_NOT_ALLOWED = SMTPReply(
    553, "5.6.7", "The sender's address is not ASCII, which needs the SMTPUTF8 parameter"
)
UTF8_RECIPIENT_NOT_ALLOWED = SMTPReply(
    553, "5.6.7", "The recipient's address is not ASCII, which needs SMTPUTF8 at MAIL"
)

MESSAGE_TOO_BIG = SMTPReply(552, "5.3.4", "The message is larger than this server accepts")
MESSAGE_HAS_NUL = SMTPReply(554, "5.6.0", "The message contains a NUL octet, which mail must not")
MESSAGE_HAS_BARE_CR = SMTPReply(
    554, "5.6.0", "The message contains a CR without LF, end each line with CRLF"
)
MESSAGE_HAS_BARE_LF = SMTPReply(
    554, "5.6.0", "The message contains an LF without CR, end each line with CRLF"
)
MAIL_LOOP = SMTPReply(554, "5.4.6", "The message has been here before or passed too many servers")

STORAGE_FULL = SMTPReply(452, "4.3.1", "The server has no room for messages now, try again later")
LOCAL_ERROR = SMTPReply(451, "4.3.0", "The server has a problem of its own, try again later")

DEFECT_REPLIES: dict[str, SMTPReply] = {
    "NUL": MESSAGE_HAS_NUL,
    "bare CR": MESSAGE_HAS_BARE_CR,
    "bare LF": MESSAGE_HAS_BARE_LF,
}
"""The reply to each `gateway.wire.dots.DataDecoder.defect`."""

# TLS (RFC 3207) and AUTH (RFC 4954) -----------------------------------------------------------

TLS_REQUIRED_FOR_AUTH = SMTPReply(
    538, "5.7.11", "Give STARTTLS first, passwords are not accepted on an unencrypted connection"
)
TLS_ALREADY_ACTIVE = SMTPReply(503, "5.5.1", "The connection is encrypted already")

AUTH_SUCCEEDED = SMTPReply(235, "2.7.0", "Welcome")
AUTH_FAILED = SMTPReply(535, "5.7.8", "The name or the password is wrong")
AUTH_NOT_NOW = SMTPReply(454, "4.7.0", "The password cannot be checked now, try again later")
AUTH_CANCELLED = SMTPReply(501, "5.7.0", "The login was cancelled")
AUTH_BAD_BASE64 = SMTPReply(501, "5.5.2", "The response is not valid base64")
AUTH_LINE_TOO_LONG = SMTPReply(500, "5.5.6", "The response is too long")
AUTH_UNKNOWN_MECHANISM = SMTPReply(504, "5.5.4", "This mechanism is not supported, see EHLO")
AUTH_ALREADY_DONE = SMTPReply(503, "5.5.1", "You have logged in already")
AUTH_NOT_AVAILABLE = SMTPReply(502, "5.5.1", "There is nothing to log in to on this server")
