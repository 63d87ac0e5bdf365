"""Section 2 of the editor: groups and their items, added, removed and moved by buttons of the form itself."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import FenField
from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft

MAX_GROUPS = 20
MAX_ITEMS = 50


class ItemForm(forms.Form):
    name = forms.CharField(label=_("Item"), max_length=60)
    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=999, initial=1, required=False)
    unit_price_fen = FenField(label=_("Unit price"), required=False)

    @property
    def is_blank(self) -> bool:
        return not any(
            str(self.data.get(self.add_prefix(name), "")).strip() for name in ("name", "unit_price_fen")
        )


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Group"), max_length=40, required=False)
    choose = forms.IntegerField(label=_("Choose"), min_value=1, max_value=MAX_ITEMS, required=False)

    items: list[ItemForm]
    problem: str = ""


Row = dict[str, Any]


class DealContent:
    """The groups as typed. Fields are named g0-name, g0-choose, g0-i0-name, …; hidden counts say how many there are."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.problem = ""  # of the content as a whole
        data = self._data()
        self.groups = []
        for index, row in enumerate(rows):
            group = GroupForm(data, prefix=f"g{index}")
            group.items = [ItemForm(data, prefix=f"g{index}-i{n}") for n in range(len(row["items"]))]
            self.groups.append(group)

    @classmethod
    def from_draft(cls, draft: DealDraft) -> "DealContent":
        return cls(
            [
                {
                    "name": group.name,
                    "choose": "" if group.choose == len(group.items) else group.choose,
                    "items": [
                        {
                            "name": item.name,
                            "quantity": item.quantity,
                            "unit_price_fen": FenField().prepare_value(item.unit_price_fen)
                            if item.unit_price_fen
                            else "",
                        }
                        for item in group.items
                    ],
                }
                for group in draft.groups
            ]
        )

    @classmethod
    def from_post(cls, data: Mapping[str, Any]) -> "DealContent":
        return cls(
            [
                {
                    "name": data.get(f"g{g}-name", ""),
                    "choose": data.get(f"g{g}-choose", ""),
                    "items": [
                        {
                            name: data.get(f"g{g}-i{i}-{name}", "")
                            for name in ("name", "quantity", "unit_price_fen")
                        }
                        for i in range(_count(data, f"g{g}-count", MAX_ITEMS))
                    ],
                }
                for g in range(_count(data, "g-count", MAX_GROUPS))
            ]
        )

    def change(self, action: str) -> "DealContent":
        """The groups after one button: add-group, remove-0, up-0, down-0, add-item-0, remove-0-1, up-0-1, down-0-1."""
        verb, *where = action.split("-")
        rows = [{**row, "items": list(row["items"])} for row in self.rows]
        if action == "add-group":
            if len(rows) < MAX_GROUPS:
                rows.append({"name": "", "choose": "", "items": [_blank_item()]})
        elif action.startswith("add-item-"):
            group = _index(where[1], rows)
            if group is not None and len(rows[group]["items"]) < MAX_ITEMS:
                rows[group]["items"].append(_blank_item())
        elif len(where) == 1:
            _move(rows, verb, _index(where[0], rows))
        elif len(where) == 2:
            group = _index(where[0], rows)
            if group is not None:
                items = rows[group]["items"]
                _move(items, verb, _index(where[1], items))
        return DealContent(rows)

    def is_valid(self) -> bool:
        return all(
            group.is_valid() and all(item.is_blank or item.is_valid() for item in group.items)
            for group in self.groups
        )

    def list_errors(self) -> list[tuple[str, str, str]]:
        """(key, label, sentence) of each value that cannot be read."""
        found = []
        for group in self.groups:
            for form in [group, *(item for item in group.items if not item.is_blank)]:
                for name, errors in form.errors.items():
                    found += [
                        (form.add_prefix(name), str(form.fields[name].label), str(error)) for error in errors
                    ]
        return found

    def key_of(self, index: int) -> str:
        """The field at which a problem of the draft's group `index` is shown."""
        return self._written()[index].add_prefix("choose")

    def add_problem(self, index: int | None, sentence: str) -> None:
        if index is None:
            self.problem = sentence
        else:
            self._written()[index].problem = sentence

    def _written(self) -> list[GroupForm]:
        """The groups that go into a draft; the blank ones stay behind."""
        return [group for group in self.groups if _is_written(group)]

    def to_draft(self) -> tuple[GroupDraft, ...]:
        """Groups and items with something in them; no number to choose means all of them."""
        found = []
        for group in self._written():
            group.full_clean()
            items = []
            for form in group.items:
                if form.is_blank:
                    continue
                form.full_clean()
                if form.cleaned_data.get("name"):
                    items.append(
                        ItemDraft(
                            name=form.cleaned_data["name"],
                            quantity=form.cleaned_data.get("quantity") or 1,
                            unit_price_fen=form.cleaned_data.get("unit_price_fen") or 0,
                        )
                    )
            choose = group.cleaned_data.get("choose") or max(1, len(items))
            found.append(
                GroupDraft(name=group.cleaned_data.get("name", ""), choose=choose, items=tuple(items))
            )
        return tuple(found)

    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"g-count": len(self.rows)}
        for g, row in enumerate(self.rows):
            data |= {
                f"g{g}-name": row["name"],
                f"g{g}-choose": row["choose"],
                f"g{g}-count": len(row["items"]),
            }
            for i, item in enumerate(row["items"]):
                data |= {f"g{g}-i{i}-{name}": value for name, value in item.items()}
        return data


def _is_written(group: GroupForm) -> bool:
    name = str(group.data.get(group.add_prefix("name"), "")).strip()
    return bool(name) or any(not item.is_blank for item in group.items)


def _blank_item() -> Row:
    return {"name": "", "quantity": "1", "unit_price_fen": ""}


def _count(data: Mapping[str, Any], name: str, most: int) -> int:
    text = str(data.get(name, "0"))
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _index(text: str, rows: list[Any]) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text) < len(rows) else None


def _move(rows: list[Any], verb: str, index: int | None) -> None:
    if index is None:
        return
    if verb == "remove":
        del rows[index]
    target = index + {"up": -1, "down": 1}.get(verb, 0)
    if verb in ("up", "down") and 0 <= target < len(rows):
        rows[index], rows[target] = rows[target], rows[index]
