"""What accounts spend, found from their readings: spends, days, burn. Pure; it may not decide."""
