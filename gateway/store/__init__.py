"""Where mail is kept: the interfaces of a store, and the stores."""
