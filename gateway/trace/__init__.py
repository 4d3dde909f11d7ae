"""The life of each message: what happened to it, when, and by whom."""
