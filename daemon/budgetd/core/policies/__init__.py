"""Policies, rules and schedules, and what is wrong with them."""
