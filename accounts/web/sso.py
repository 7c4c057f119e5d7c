from django.http import HttpRequest, HttpResponse


def confirm(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
