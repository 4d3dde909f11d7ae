"""Where mail can be brought in from: one file for each source."""
