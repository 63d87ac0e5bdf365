"""What every floor's API is made of: one shape of error, ids and moments, throttles, pages, the Idempotency-Key."""
