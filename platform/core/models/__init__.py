from core.models.idempotency_key import IdempotencyKey
from core.models.invariant_run import InvariantRun
from core.models.job import Job

__all__ = ["IdempotencyKey", "InvariantRun", "Job"]
