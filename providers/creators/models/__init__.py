from providers.creators.models.claim import TaskClaim
from providers.creators.models.creator import Creator
from providers.creators.models.exclusivity import Exclusivity
from providers.creators.models.task import CreatorTask

__all__ = ["Creator", "CreatorTask", "Exclusivity", "TaskClaim"]
