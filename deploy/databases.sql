-- The databases of a team, owned by whoever runs this: psql -d postgres -f deploy/databases.sql
CREATE DATABASE mlflow;
CREATE DATABASE dagster;
CREATE DATABASE decisions;
