"""Access: who is calling, and what may they do? Keys, scopes, signed links, rates."""
