"""An approval policy as people fill it in: up to five rounds, and a row for every gate."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from governance.gate_parameters import LIMITED, MODES, PARAMETERS, Parameter
from governance.gates import GATES
from governance.policies import SIGNERS
from governance.policy_differences import MODE_WORDS
from governance.rounds import LONGEST_NAME, MOST_ROUNDS
from governance.services.policy_changes import MOST_OF_A_ROLE

MODE_CHOICES = [(mode, MODE_WORDS[mode]) for mode in ("", *MODES)]
SPARE_LIMITS = 2
Stored = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """Fields that belong together, under a title."""

    title: str
    first: Any
    others: tuple[Any, ...]


class PolicyForm(forms.Form):
    """Starts with the policy in force; what the person leaves empty is not asked."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        label="Why the policy changes",
        help_text="Read by everybody who signs it, and kept on the audit trail.",
    )

    def __init__(self, *args: Any, rounds: Stored, gates: Stored, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, MOST_ROUNDS + 1):
            self._add_round(number, rounds[number - 1] if number <= len(rounds) else {})
        self.places = dict(_places(gates))
        for place, (gate, stored) in self.places.items():
            self._add_gate(place, gate, stored)

    def _add_round(self, place: int, stored: Mapping[str, Any]) -> None:
        self.fields[f"round{place}-name"] = forms.CharField(
            required=False, max_length=LONGEST_NAME, label="Name", initial=stored.get("name", "")
        )
        for role in SIGNERS:
            self.fields[f"round{place}-{role}"] = forms.IntegerField(
                required=False,
                min_value=0,
                max_value=MOST_OF_A_ROLE,
                label=f"{role.label.capitalize()}s",
                initial=stored.get("quorum", {}).get(role) or None,
            )

    def _add_gate(self, place: str, gate: str, stored: Mapping[str, Any]) -> None:
        self.fields[f"{place}-mode"] = forms.ChoiceField(
            required=False,
            choices=MODE_CHOICES,
            label="When it does not pass, it",
            initial=stored.get("mode", ""),
        )
        told = stored.get("parameters", {})
        for one in PARAMETERS.get(gate, ()):
            field = _field(one)
            field.initial = told.get(one.name)
            self.fields[f"{place}-{one.name}"] = field

    def round_rows(self) -> Iterator[Row]:
        for place in range(1, MOST_ROUNDS + 1):
            counts = tuple(self[f"round{place}-{role}"] for role in SIGNERS)
            yield Row(f"Round {place}", self[f"round{place}-name"], counts)

    def gate_rows(self) -> Iterator[Row]:
        for place, (gate, _) in self.places.items():
            told = tuple(self[f"{place}-{one.name}"] for one in PARAMETERS.get(gate, ()))
            yield Row(GATES[gate][0], self[f"{place}-mode"], told)

    def rounds(self) -> list[dict[str, Any]]:
        """Rounds that somebody signs in; a name without signatures is told by the service."""
        found = [self._round(place) for place in range(1, MOST_ROUNDS + 1)]
        return [one for one in found if one["name"] or one["quorum"]]

    def _round(self, place: int) -> dict[str, Any]:
        said = self.cleaned_data
        counts = {role.value: said.get(f"round{place}-{role}") for role in SIGNERS}
        quorum = {role: count for role, count in counts.items() if count}
        return {"name": said[f"round{place}-name"].strip(), "quorum": quorum}

    def gates(self) -> list[dict[str, Any]]:
        return [self._gate(place) for place in self._asked()]

    def _asked(self) -> list[str]:
        return [place for place in self.places if self.cleaned_data.get(f"{place}-mode")]

    def _gate(self, place: str) -> dict[str, Any]:
        gate = self.places[place][0]
        said = {
            one.name: self.cleaned_data.get(f"{place}-{one.name}")
            for one in PARAMETERS.get(gate, ())
        }
        told = {name: value for name, value in said.items() if value not in (None, "", [], False)}
        return {"gate": gate, "mode": self.cleaned_data[f"{place}-mode"], "parameters": told}

    def field_of(self, where: str) -> str | None:
        """The field that the service's place (rounds.0.name, gates.2.parameters.minimum) is."""
        parts = where.split(".")
        if parts[0] == "rounds" and len(parts) > 1:
            return self._round_field(int(parts[1]), parts[2:])
        if parts[0] == "gates" and len(parts) > 1:
            place = self._asked()[int(parts[1])]
            name = f"{place}-{parts[-1]}"
            return name if name in self.fields else f"{place}-mode"
        return where if where in self.fields else None

    def _round_field(self, index: int, rest: Sequence[str]) -> str:
        filled = [
            place
            for place in range(1, MOST_ROUNDS + 1)
            if self._round(place)["name"] or self._round(place)["quorum"]
        ]
        name = "name" if list(rest) == ["name"] else SIGNERS[0].value
        return f"round{filled[index]}-{name}"


def _places(gates: Stored) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """Every gate once, and limits as often as they are asked, with some to spare."""
    for gate in GATES:
        stored = [one for one in gates if one["gate"] == gate]
        if gate != LIMITED:
            yield gate, (gate, stored[0] if stored else {})
            continue
        for i in range(len(stored) + SPARE_LIMITS):
            yield f"{gate}{i + 1}", (gate, stored[i] if i < len(stored) else {})


def _field(one: Parameter) -> forms.Field:
    if one.kind == "number":
        low, high = (n if math.isfinite(n) else None for n in (one.low, one.high))
        return forms.FloatField(required=False, label=one.label, min_value=low, max_value=high)
    if one.kind == "list":
        choices = [(choice, choice.replace("_", " ")) for choice in one.choices]
        return forms.MultipleChoiceField(
            required=False, label=one.label, choices=choices, widget=forms.CheckboxSelectMultiple
        )
    if one.kind == "choice":
        choices = [("", "—"), *((choice, choice) for choice in one.choices)]
        return forms.ChoiceField(required=False, label=one.label, choices=choices)
    if one.kind == "flag":
        return forms.BooleanField(required=False, label=one.label)
    return forms.CharField(
        required=False,
        max_length=60,
        label=one.label,
        help_text="Its name, such as roc_auc or demographic_parity_ratio.",
    )


class PolicySignatureForm(forms.Form):
    """Decision, reason and proof over the digest that was read."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    decision = forms.ChoiceField(
        choices=[("approve", "Put it in force"), ("reject", "Reject it")],
        widget=forms.RadioSelect,
        label="Decision",
    )
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        max_length=1000,
        strip=False,
        label="Your password",
    )
