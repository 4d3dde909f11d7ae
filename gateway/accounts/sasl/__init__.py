"""SASL (RFC 4422): one module for each mechanism, and the table of them all."""
