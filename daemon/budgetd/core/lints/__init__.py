"""What is lawful in a set of policies and yet deserves a second look, shown by the engine."""
