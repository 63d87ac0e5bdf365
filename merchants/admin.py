"""Merchants: made here with their owner and their fee; stores and posts to look at."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from core.operator_admin import ReadOnlyAdmin
from core.templatetags.tongdao import phone_masked
from identity.models import User
from merchants.domain.merchants import create_merchant
from merchants.domain.platform_fees import set_platform_fee
from merchants.models import Membership, Merchant, StaffInvitation, Store


class NewMerchantForm(forms.ModelForm):
    owner_phone = PhoneNumberField(
        label=_("Phone of the owner"),
        region="CN",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Somebody who has an account here already; add a user first where he has none."),
    )

    class Meta:
        model = Merchant
        fields = ("slug", "name", "currency", "zone", "platform_fee_bps", "reversal_window_seconds")
        labels = {"slug": _("Short name"), "currency": _("Currency")}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "slug": _("Part of the shop's addresses: small letters, digits and hyphens."),
            "platform_fee_bps": _("In hundredths of a percent: 250 is 2.5%."),
            "reversal_window_seconds": _("In seconds: 3600 is one hour."),
        }

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"].lower()
        if Merchant.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("Another merchant has this short name."), code="slug_taken")
        return slug

    def clean_zone(self) -> str:
        zone = self.cleaned_data["zone"]
        if zone not in available_timezones():
            raise forms.ValidationError(_("Write a time zone such as Asia/Shanghai."), code="zone")
        return zone

    def clean_currency(self) -> str:
        currency = self.cleaned_data["currency"].upper()
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise forms.ValidationError(_("Write a currency such as CNY."), code="currency")
        return currency

    def clean_owner_phone(self) -> User:
        owner = User.objects.filter(phone=self.cleaned_data["owner_phone"], is_active=True).first()
        if owner is None:
            raise forms.ValidationError(_("Nobody with this phone has an account."), code="no_such_user")
        return owner


class FeeForm(forms.ModelForm):
    class Meta:
        model = Merchant
        fields = ("platform_fee_bps",)
        widgets = {"platform_fee_bps": UnfoldAdminIntegerFieldWidget}  # noqa: RUF012
        help_texts = {"platform_fee_bps": _("In hundredths of a percent: 250 is 2.5%.")}  # noqa: RUF012


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "currency", "zone", "platform_fee_bps", "created_at")
    search_fields = ("name", "slug")
    ordering = ("-created_at",)
    add_fields = (
        "slug", "name", "owner_phone", "currency", "zone", "platform_fee_bps", "reversal_window_seconds",
    )  # fmt: skip
    shown_fields = ("slug", "name", "currency", "zone", "reversal_window_seconds", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change=change, form=FeeForm if obj else NewMerchantForm, **kwargs
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["platform_fee_bps", *self.shown_fields] if obj else list(self.add_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.shown_fields) if obj else []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("merchants.add_merchant")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("merchants.change_merchant")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Merchant:
        """The domain writes; the admin goes on with the row as it stands."""
        values = form.cleaned_data
        if not change:
            return create_merchant(owner=values.pop("owner_phone"), **values)
        set_platform_fee(merchant=form.instance, platform_fee_bps=values["platform_fee_bps"], by=request.user)
        return form.instance

    def save_model(self, request: HttpRequest, obj: Merchant, form: Any, change: bool) -> None:
        """Written by save_form already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing beside the row."""


@admin.register(Store)
class StoreAdmin(ReadOnlyAdmin):
    list_display = ("name", "number", "city", "state", "merchant")
    list_filter = ("state",)
    list_select_related = ("merchant",)
    search_fields = ("name", "=number", "merchant__name")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "role", "merchant", "is_active", "created_at")
    list_filter = ("role", "is_active")
    list_select_related = ("user", "merchant")
    search_fields = ("user__name", "merchant__name")


@admin.register(StaffInvitation)
class StaffInvitationAdmin(ReadOnlyAdmin):
    list_display = ("name", "masked_phone", "role", "merchant", "state", "valid_until")
    list_filter = ("state", "role")
    list_select_related = ("merchant",)
    hidden_columns = ("secret_hash",)

    @admin.display(description=_("Phone"))
    def masked_phone(self, invitation: StaffInvitation) -> str:
        return phone_masked(invitation.phone)
