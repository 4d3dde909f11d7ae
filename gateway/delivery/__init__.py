"""Envelope in, stored copies out."""
