# mypy's Django plugin must have seen the type of the primary keys before it reads the first foreign key.
from core.ids import IdField as IdField
from identity.models.audit_event import AuditEvent
from identity.models.customer import Customer
from identity.models.grant import Grant
from identity.models.party import Party
from identity.models.session import Session
from identity.models.user import User

__all__ = ["AuditEvent", "Customer", "Grant", "Party", "Session", "User"]
