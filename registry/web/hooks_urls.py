from django.urls import path

from registry.web import hooks

urlpatterns = [path("mlflow", hooks.mlflow, name="hook-mlflow")]
