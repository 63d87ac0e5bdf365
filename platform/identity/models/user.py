"""Any sign-in: staff, operators, and the account behind a customer."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.modelfields import PhoneNumberField


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, password: str | None = None, **fields: Any) -> "User":
        """A user who signs in by phone or e-mail; without a password he cannot sign in here."""
        user = self.model(**fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(password=password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """`is_staff` means the platform's operator (may open /ops/), never a shop's staff."""

    name = models.CharField(pgettext_lazy("person", "Name"), max_length=40)
    phone = PhoneNumberField(_("Phone"), null=True, blank=True, unique=True)
    email = models.EmailField(_("E-mail"), null=True, blank=True)
    language = models.CharField(_("Language"), max_length=10, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "id"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("User")
        verbose_name_plural = _("Users")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Nothing to normalise: the user name is the id, which a new user has not got yet."""

    def get_username(self) -> str:
        """The id as text: Unfold's pages cut its first letter off."""
        return str(self.pk)

    def get_full_name(self) -> str:
        return self.name
