"""Triggers and targets found from what accounts spent, each with its reason. Pure."""
