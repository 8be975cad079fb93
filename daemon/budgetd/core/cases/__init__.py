"""Policy cases: what is known, what must follow, and whether the engine agrees."""
