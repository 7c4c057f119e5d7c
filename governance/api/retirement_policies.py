"""Retirement policies, and what a model's life depends on, by API."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.controls import visible_model
from governance.api.documentation import answers
from governance.api.policy_shapes import PolicyChangeDetailShape
from governance.api.problems import refusals_as_problems
from governance.api.retirement_shapes import (
    LifeFactShape,
    ModelClientShape,
    NewLifeFactShape,
    NewModelClientShape,
    NewRegistrationShape,
    NewRetirementPolicyShape,
    RegistrationShape,
    RetirementPolicyShape,
)
from governance.models import LifeFact, ModelClient, Registration, RetirementPolicy
from governance.reads.policies import change_page
from governance.reads.retirement_policies import retirement_policy_page, visible_policies
from governance.services.life_facts import add_client, end_client, record_fact
from governance.services.registrations import keep_registration
from governance.services.retirement_policies import propose_retirement

# What is told of a model of which nobody has said anything.
NOT_SAID: dict[str, Any] = {
    "state": "not_required",
    "register": "",
    "number": "",
    "note": "",
    "registered_on": None,
    "changed_at": None,
}


@extend_schema_view(
    get=extend_schema(
        operation_id="retirement_policies_list",
        responses=answers(200, RetirementPolicyShape(many=True), 422),
    )
)
class RetirementPolicyListView(ListAPIView[RetirementPolicy]):
    """Retirement policies, those in force and those before; POST proposes one."""

    serializer_class = RetirementPolicyShape
    queryset = RetirementPolicy.objects.none()

    def get_queryset(self) -> Any:
        return visible_policies(self.request.user)

    @extend_schema(
        operation_id="retirement_policies_propose",
        request=NewRetirementPolicyShape,
        responses=answers(201, PolicyChangeDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Propose a retirement policy; others sign it into force, as every policy."""
        shape = NewRetirementPolicyShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            made = propose_retirement(actor=person_of(request), **shape.validated_data)
        page = change_page(request.user, made.pk)
        found: Any = page.change
        found.differences = page.differences
        return Response(PolicyChangeDetailShape(found).data, status=201)


class RetirementPolicyView(APIView):
    @extend_schema(
        operation_id="retirement_policies_read", responses=answers(200, RetirementPolicyShape)
    )
    def get(self, request: Request, scope: str, place: str) -> Response:
        """The retirement policy in force for a model, a team or a risk tier."""
        page = retirement_policy_page(request.user, scope, place)
        pk = page.policy.pk if page.policy else 0
        return Response(
            RetirementPolicyShape(get_object_or_404(visible_policies(request.user), pk=pk)).data
        )


class LifeFactListView(APIView):
    @extend_schema(operation_id="life_facts_list", responses=answers(200, LifeFactShape(many=True)))
    def get(self, request: Request, model: str) -> Response:
        """When the legal basis and the vendor's support end, now and as it was said before."""
        found = visible_model(request, model)
        rows = LifeFact.objects.filter(model=found).select_related("version", "recorded_by")
        return Response(LifeFactShape(rows[:500], many=True).data)

    @extend_schema(
        operation_id="life_facts_record",
        request=NewLifeFactShape,
        responses=answers(201, LifeFactShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str) -> Response:
        """Record such a day with where you have it from."""
        found = visible_model(request, model)
        shape = NewLifeFactShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = record_fact(actor=person_of(request), model_id=found.pk, **shape.validated_data)
        return Response(LifeFactShape(row).data, status=201)


class ModelClientListView(APIView):
    @extend_schema(
        operation_id="model_clients_list", responses=answers(200, ModelClientShape(many=True))
    )
    def get(self, request: Request, model: str) -> Response:
        """Systems that call the model, and whom to tell."""
        found = visible_model(request, model)
        rows = ModelClient.objects.filter(model=found).select_related("account")
        return Response(ModelClientShape(rows[:500], many=True).data)

    @extend_schema(
        operation_id="model_clients_add",
        request=NewModelClientShape,
        responses=answers(201, ModelClientShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str) -> Response:
        """Say which system calls the model; its contact hears of retirements."""
        found = visible_model(request, model)
        shape = NewModelClientShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        said["account_email"] = said.pop("account")
        with refusals_as_problems():
            row = add_client(actor=person_of(request), model_id=found.pk, **said)
        return Response(ModelClientShape(row).data, status=201)


class ModelClientEndView(APIView):
    @extend_schema(
        operation_id="model_clients_end",
        request=None,
        responses=answers(200, ModelClientShape, 409),
    )
    def post(self, request: Request, model: str, client: int) -> Response:
        """The system calls the model no longer."""
        found = visible_model(request, model)
        row = get_object_or_404(ModelClient, model=found, pk=client)
        with refusals_as_problems():
            end_client(actor=person_of(request), client_id=row.pk)
        row.refresh_from_db()
        return Response(ModelClientShape(row).data)


class RegistrationView(APIView):
    @extend_schema(operation_id="registration_read", responses=answers(200, RegistrationShape))
    def get(self, request: Request, model: str) -> Response:
        """Where the model is registered with an authority (EU AI Act, Annex VIII)."""
        found = visible_model(request, model)
        row = Registration.objects.filter(model=found).first()
        return Response(RegistrationShape(row).data if row else NOT_SAID)

    @extend_schema(
        operation_id="registration_step",
        request=NewRegistrationShape,
        responses=answers(200, RegistrationShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str) -> Response:
        """Draft, register (or update), withdraw or release; by the owner or a risk officer."""
        found = visible_model(request, model)
        shape = NewRegistrationShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = keep_registration(
                actor=person_of(request), model_id=found.pk, **shape.validated_data
            )
        row.refresh_from_db()
        return Response(RegistrationShape(row).data)
