"""Merchants: made here with their owner and their fee, terms proposed and answered; stores and posts to look at."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from phonenumber_field.formfields import PhoneNumberField
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from core.errors import DomainError
from core.operator_admin import ReadOnlyAdmin
from core.templatetags.tongdao import bps as bps_shown
from core.templatetags.tongdao import phone_masked
from identity.domain.platform_party import get_platform_party
from identity.models import User
from merchants.domain.merchants import create_merchant
from merchants.domain.terms import (
    OPERATOR,
    accept_terms,
    get_platform_fee,
    propose_terms,
    refuse_terms,
    withdraw_terms,
)
from merchants.enums import ShareKind, TermsState
from merchants.models import Membership, Merchant, StaffInvitation, Store, Terms


class NewMerchantForm(forms.ModelForm):
    owner_phone = PhoneNumberField(
        label=_("Phone of the owner"),
        region="CN",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Somebody who has an account here already; add a user first where he has none."),
    )

    platform_fee_bps = forms.IntegerField(
        label=_("Platform fee"), initial=250, min_value=0, max_value=10_000,
        widget=UnfoldAdminIntegerFieldWidget, help_text=_("In hundredths of a percent: 250 is 2.5%."),
    )  # fmt: skip

    class Meta:
        model = Merchant
        fields = ("slug", "name", "currency", "zone", "reversal_window_seconds")
        labels = {"slug": _("Short name"), "currency": _("Currency")}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "slug": _("Part of the shop's addresses: small letters, digits and hyphens."),
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


class FeeProposalForm(forms.ModelForm):
    """Another platform fee, which counts once an owner of the merchant agreed."""

    platform_fee_bps = forms.IntegerField(
        label=_("Propose another platform fee"),
        min_value=0,
        max_value=10_000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_(
            "In hundredths of a percent: 250 is 2.5%. It counts for orders placed after an owner agreed to it."
        ),
    )
    note = forms.CharField(
        label=pgettext_lazy("terms", "Why"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("The merchant reads it next to the proposal."),
    )  # fmt: skip

    class Meta:
        model = Merchant
        fields: tuple[str, ...] = ()

    def clean_platform_fee_bps(self) -> int:
        bps = self.cleaned_data["platform_fee_bps"]
        if bps == get_platform_fee(merchant=self.instance).bps:
            raise forms.ValidationError(_("This is the fee in force."), code="unchanged")
        if _pending_fee(self.instance):
            raise forms.ValidationError(
                _("A proposal waits for its answer; withdraw it under Terms before you make another."),
                code="pending",
            )
        return int(bps)


def _pending_fee(merchant: Merchant) -> Terms | None:
    return Terms.objects.filter(
        merchant=merchant, kind=ShareKind.PLATFORM_FEE, state=TermsState.PROPOSED
    ).first()


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "currency", "zone", "fee_in_force", "created_at")
    search_fields = ("name", "slug")
    ordering = ("-created_at",)
    add_fields = (
        "slug", "name", "owner_phone", "currency", "zone", "platform_fee_bps", "reversal_window_seconds",
    )  # fmt: skip
    shown_fields = (
        "fee_in_force", "fee_proposed", "slug", "name", "currency", "zone", "reversal_window_seconds", "created_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        fee = Terms.objects.filter(
            merchant=OuterRef("pk"), kind=ShareKind.PLATFORM_FEE, state=TermsState.IN_FORCE
        )
        return super().get_queryset(request).annotate(fee_bps=Subquery(fee.values("bps")[:1]))

    @admin.display(description=_("Platform fee"), ordering="fee_bps")
    def fee_in_force(self, merchant: Any) -> str:
        return bps_shown(merchant.fee_bps)

    @admin.display(description=_("Waits for the merchant's consent"))
    def fee_proposed(self, merchant: Merchant) -> str:
        pending = _pending_fee(merchant)
        return bps_shown(pending.bps) if pending else "–"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change=change, form=FeeProposalForm if obj else NewMerchantForm, **kwargs
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["platform_fee_bps", "note", *self.shown_fields] if obj else list(self.add_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.shown_fields) if obj else []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("merchants.add_merchant")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(OPERATOR)

    def save_form(self, request: Any, form: Any, change: bool) -> Merchant:
        """The domain writes; the admin goes on with the row as it stands."""
        values = form.cleaned_data
        if not change:
            return create_merchant(owner=values.pop("owner_phone"), **values)
        platform = get_platform_party()
        propose_terms(
            merchant=form.instance, kind=ShareKind.PLATFORM_FEE, payee=platform, bps=values["platform_fee_bps"],
            for_party_id=platform.pk, by=request.user, note=values["note"],
        )  # fmt: skip
        return form.instance

    def save_model(self, request: HttpRequest, obj: Merchant, form: Any, change: bool) -> None:
        """Written by save_form already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing beside the row."""


@admin.register(Terms)
class TermsAdmin(ReadOnlyAdmin):
    """Every version of every merchant's terms; an operator answers and withdraws for the platform."""

    list_display = (
        "merchant",
        "kind",
        "payee",
        "version",
        "bps",
        "state",
        "proposed_at",
        "in_force_at",
        "ended_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("merchant", "payee")
    search_fields = ("merchant__name", "payee__name")
    ordering = ("-id",)
    actions = ("accept", "refuse", "withdraw")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATOR)

    @admin.action(description=_("Agree for the platform"), permissions=["answer"])
    def accept(self, request: Any, rows: Any) -> None:
        self._each(request, rows, accept_terms)

    @admin.action(description=_("Refuse for the platform"), permissions=["answer"])
    def refuse(self, request: Any, rows: Any) -> None:
        self._each(request, rows, refuse_terms)

    @admin.action(description=_("Withdraw the platform's proposal"), permissions=["answer"])
    def withdraw(self, request: Any, rows: Any) -> None:
        self._each(request, rows, withdraw_terms)

    def _each(self, request: Any, rows: Any, act: Callable[..., Terms]) -> None:
        done = refused = 0
        for terms in rows:
            try:
                act(terms=terms, by=request.user)
                done += 1
            except DomainError:
                refused += 1
        if done:
            self.message_user(
                request,
                ngettext("%(count)d done.", "%(count)d done.", done) % {"count": done},
                messages.SUCCESS,
            )
        if refused:
            self.message_user(
                request,
                ngettext(
                    "%(count)d cannot: answered before, or it is for the other side to say.",
                    "%(count)d cannot: answered before, or it is for the other side to say.",
                    refused,
                )
                % {"count": refused},
                messages.ERROR,
            )


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
