from coupons.insights.models.roll_up import RedeemedDay, RedeemedStoreDay, SoldDay

__all__ = ["RedeemedDay", "RedeemedStoreDay", "SoldDay"]
