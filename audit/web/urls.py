from django.urls import path

from audit.web.trail import trail

app_name = "audit"
urlpatterns = [path("", trail, name="trail")]
