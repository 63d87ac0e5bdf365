"""What a till must know before it can redeem."""
