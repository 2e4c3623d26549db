"""Keys as people and machines meet them: listed, made, and shown once."""
