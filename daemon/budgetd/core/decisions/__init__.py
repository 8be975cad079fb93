"""What every rule says of every account it selects."""
