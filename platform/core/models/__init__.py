from core.models.idempotency_key import IdempotencyKey
from core.models.job import Job

__all__ = ["IdempotencyKey", "Job"]
