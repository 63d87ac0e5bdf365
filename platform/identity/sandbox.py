"""The sandbox platform's sign-in page: what a mini-program platform does unseen, with a form."""

import unicodedata
from typing import Any
from urllib.parse import quote

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from identity.customer_sign_in.port import sandbox_is_open
from identity.customer_sign_in.sandbox import make_login_code


class WhoForm(forms.Form):
    """Anybody may be anybody here: the same phone is the same person."""

    phone = forms.CharField(
        label=gettext_lazy("Phone number"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off", "autofocus": True}),
        help_text=gettext_lazy("The same number is the same customer; any number will do."),
    )
    nickname = forms.CharField(label=gettext_lazy("Nickname"), max_length=40, required=False)

    def clean_phone(self) -> str:
        text = unicodedata.normalize("NFKC", self.cleaned_data["phone"])
        digits = "".join(char for char in text if char in "0123456789")
        if not 6 <= len(digits) <= 15:
            raise forms.ValidationError(_("A phone number has 6 to 15 digits."), code="invalid")
        return digits


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who is there and send him back with a login code behind the #, which no server log sees."""
    if not sandbox_is_open():
        raise Http404
    asked: Any = request.POST if request.method == "POST" else request.GET
    return_to = asked.get("return_to", "")
    if not (return_to.startswith("/") and url_has_allowed_host_and_scheme(return_to, None)):
        return_to = "/"
    form = WhoForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        code = make_login_code(phone=form.cleaned_data["phone"], nickname=form.cleaned_data["nickname"])
        return HttpResponseRedirect(f"{return_to.split('#')[0]}#login_code={quote(code)}")
    status = 422 if form.is_bound else 200
    return render(request, "sandbox/sign_in.html", {"form": form, "return_to": return_to}, status=status)
