"""Sign-in of customers and staff with tokens."""
