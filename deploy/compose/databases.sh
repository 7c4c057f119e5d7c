#!/bin/sh
# Runs once, when the PostgreSQL volume is empty: a role and a database for Ombud and for MLflow,
# neither of which is the administrator of the server.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set ombud="$OMBUD_DATABASE_PASSWORD" --set mlflow="$MLFLOW_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE ombud LOGIN PASSWORD :'ombud';
CREATE DATABASE ombud OWNER ombud;
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow';
CREATE DATABASE mlflow OWNER mlflow;
SQL
