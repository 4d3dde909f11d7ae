"""Certificates from an ACME server (RFC 8555), by HTTP-01. Needs the extra `acme`."""
