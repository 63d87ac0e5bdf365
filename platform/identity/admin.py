"""People who sign in, who may do what where, and what they did."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm

from core.operator_admin import ReadOnlyAdmin, RehearsalFilter
from core.templatetags.tongdao import phone_masked
from identity.models import AuditEvent, Customer, Grant, User

# Rights come from grants, and secrets of sign-in are nobody's to read.
admin.site.unregister([Group, EmailAddress, Authenticator, AuthToken])


class NewUserForm(forms.ModelForm):
    """Somebody new signs in only once the operator has set a password on the page that follows."""

    class Meta:
        model = User
        fields = ("name", "phone", "email", "language")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("phone") and not values.get("email"):
            raise forms.ValidationError(
                _("A phone or an e-mail address is needed to sign in."), code="no_sign_in"
            )
        values["email"] = values.get("email") or None
        return values

    def save(self, commit: bool = True) -> User:
        user = super().save(commit=False)
        user.set_unusable_password()
        if commit:
            user.save()
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    add_form = NewUserForm
    form = forms.ModelForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("name", "masked_phone", "email", "is_staff", "is_active", "created_at")
    list_filter = ("is_staff", "is_active", RehearsalFilter)
    search_fields = ("name", "=phone", "=email")
    ordering = ("-id",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "created_at", "is_superuser")
    add_fieldsets = ((None, {"fields": ("name", "phone", "email", "language")}),)
    fieldsets = (
        (None, {"fields": ("name", "phone", "email", "language", "is_active")}),
        (_("The platform's operator"), {"fields": ("is_staff", "is_superuser")}),
        (_("Seen"), {"fields": ("last_login", "created_at")}),
    )

    @admin.display(description=_("Phone"), ordering="phone")
    def masked_phone(self, user: User) -> str:
        return phone_masked(user.phone)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "email" in form.base_fields:
            form.base_fields["email"].empty_value = None
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what somebody did keeps his name; switch him off instead


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("nickname", "phone_tail", "sign_in_provider", "created_at")
    list_filter = ("sign_in_provider",)
    search_fields = ("nickname", "=phone_tail")
    hidden_columns = ("open_id",)


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = ("user", "party", "role", "valid_from", "valid_until", "why")
    list_filter = ("role",)
    list_select_related = ("user", "party")
    search_fields = ("user__name", "party__name")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "verb", "noun", "noun_id", "actor_id", "merchant_id")
    list_filter = ("noun", "verb")
    search_fields = ("=noun_id", "=merchant_id", "=actor_id")
    ordering = ("-id",)
