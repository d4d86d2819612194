#!/bin/bash
# First start: make the database, the users and run the init scripts. Then serve.
set -euo pipefail

DATA=/var/lib/mysql
SOCKET=/run/mysqld/mysqld.sock

if [ "${1:-}" = mysqld ]; then shift; fi
case "${1:-}" in
  '' | -*) ;;
  *) exec "$@" ;; # another program, as with the official image
esac

install -d -o mysql -g mysql /run/mysqld
# The marker is written last: a first start that was killed begins anew.
if [ ! -e "$DATA/.initialised" ]; then
  find "$DATA" -mindepth 1 -delete
  chown mysql:mysql "$DATA"
  mysql_install_db --user=mysql --datadir="$DATA" --skip-test-db --auth-root-authentication-method=normal >/dev/null
  mysqld --skip-networking --socket="$SOCKET" "$@" &
  server=$!
  for _ in $(seq 300); do mysqladmin --socket="$SOCKET" ping >/dev/null 2>&1 && break; sleep 0.1; done

  sql=(mysql --socket="$SOCKET" -u root)
  if [ -n "${MYSQL_DATABASE:-}" ]; then
    "${sql[@]}" -e "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`"
  fi
  if [ -n "${MYSQL_USER:-}" ]; then
    "${sql[@]}" -e "CREATE USER IF NOT EXISTS '$MYSQL_USER'@'%' IDENTIFIED BY '${MYSQL_PASSWORD:-}'"
    if [ -n "${MYSQL_DATABASE:-}" ]; then
      "${sql[@]}" -e "GRANT ALL ON \`$MYSQL_DATABASE\`.* TO '$MYSQL_USER'@'%'"
    fi
  fi
  for script in /docker-entrypoint-initdb.d/*; do
    case "$script" in
      *.sql) "${sql[@]}" ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} <"$script" ;;
      *.sh) bash "$script" ;;
    esac
  done
  if [ -n "${MYSQL_ROOT_PASSWORD:-}" ]; then
    "${sql[@]}" -e "CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
      GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
      ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD'; FLUSH PRIVILEGES"
  fi
  kill "$server"
  wait "$server" || true
  touch "$DATA/.initialised"
fi
exec mysqld --socket="$SOCKET" "$@"
