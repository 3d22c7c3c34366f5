#!/bin/sh
# Runs once, when the data folder is empty. Two databases; in each one role owns the tables and another serves.
# The serving role owns nothing, so row-level security holds for it whatever it sends.
set -eu

password() { cat "${SECRETS:-/run/secrets}/$1"; }

make_pair() {
  psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set name="$1" --set owner="$1_owner" --set owner_password="$(password "$1_owner_password")" --set app_password="$(password "$1_password")" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password' CREATEROLE;
CREATE ROLE :"name" LOGIN PASSWORD :'app_password';
GRANT :"name" TO :"owner" WITH ADMIN OPTION;
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name";
SQL
}

make_pair authserver
make_pair orders
