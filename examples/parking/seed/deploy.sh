#!/usr/bin/env bash
# The script that pct-deploy replaces, kept as the baseline for measurements. NOT FOR USE: it switches nginx before the
# application listens, drops requests at each reload, cannot roll back, and does not notice when a step fails.
#
# Run it in the folder of docker-compose.yml. What differs from the document:
#  - names are variables, so that it also serves examples/hello:
#      IMAGE=localhost:5000/pct/hello SLOT=hello DEPENDENCIES=hello-dep deploy.sh
#  - the angle brackets round the URL and the doubled backslash, which its markdown had put in, are gone;
#  - `docker-compose down SERVICE` only prints its usage in compose v1 and exits 0. The old slot would stay, and the next
#    deploy would replace the live one in place: so `stop` and `rm` follow when it is still there.
# There is no `set -e`, on purpose: the original has none.

IMAGE=${IMAGE:-localhost:5000/pct/pct-backend}
SLOT=${SLOT:-pct-backend}
DEPENDENCIES=${DEPENDENCIES:-pct-mysql pct-redis}
INCLUDE=${INCLUDE:-/etc/nginx/conf.d/service-url.inc}
COMPOSE=${COMPOSE:-$(command -v docker-compose || echo docker compose)}

echo "배포 시작!"
echo "최신 컨테이너 가져오는중"
docker pull "${IMAGE}"

if docker ps | grep -q "${SLOT}-1"; then
    echo "컨테이너가 8080 포트 사용중.."
    NEW_CONTAINER=${SLOT}-2
    OLD_CONTAINER=${SLOT}-1
    NEW_PORT=8081
    OLD_PORT=8080
elif docker ps | grep -q "${SLOT}-2"; then
    echo "컨테이너가 8081 포트 사용중.."
    NEW_CONTAINER=${SLOT}-1
    OLD_CONTAINER=${SLOT}-2
    NEW_PORT=8080
    OLD_PORT=8081
else
    echo "컨테이너 새로 시작중.."
    NEW_PORT=8080
    NEW_CONTAINER=${SLOT}-1
    for DEPENDENCY in ${DEPENDENCIES}; do
        ${COMPOSE} up -d "${DEPENDENCY}"
    done
    sleep 5
fi

echo "${NEW_PORT} 컨테이너 올리는중.."
${COMPOSE} up -d "${NEW_CONTAINER}"

echo "NGINX PORT ${NEW_PORT}로 전환중.."
echo "set \$service_url http://127.0.0.1:${NEW_PORT};" | sudo tee "${INCLUDE}"

echo "NGINX 재시작 중.."
sudo service nginx reload
sleep 5

if [ -n "${OLD_CONTAINER}" ]; then
  echo "${OLD_PORT} 컨테이너 내리는중.."
  ${COMPOSE} down "${OLD_CONTAINER}"
  if [ -n "$(${COMPOSE} ps -q "${OLD_CONTAINER}")" ]; then
    ${COMPOSE} stop "${OLD_CONTAINER}"
    ${COMPOSE} rm -f "${OLD_CONTAINER}"
  fi
fi

echo "배포 완료!"
