from django.urls import path

from audit.web.trail import trail

urlpatterns = [path("", trail, name="audit")]
