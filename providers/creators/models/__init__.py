from providers.creators.models.board import BoardWish, HiddenTask, Impression
from providers.creators.models.claim import TaskClaim
from providers.creators.models.creator import Creator
from providers.creators.models.exclusivity import Exclusivity
from providers.creators.models.record import BoardKnowledge, CreatorRecord, DealRecord
from providers.creators.models.task import CreatorTask

__all__ = [
    "BoardKnowledge",
    "BoardWish",
    "Creator",
    "CreatorRecord",
    "CreatorTask",
    "DealRecord",
    "Exclusivity",
    "HiddenTask",
    "Impression",
    "TaskClaim",
]
