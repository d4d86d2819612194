#!/bin/sh
set -eu
# The user of this run, from the environment.
htpasswd -Bbn "$REGISTRY_USER" "$REGISTRY_PASSWORD" >/run/registry.htpasswd
unset REGISTRY_USER REGISTRY_PASSWORD # REGISTRY_* would be read as configuration
exec docker-registry serve /etc/docker/registry/config.yml
