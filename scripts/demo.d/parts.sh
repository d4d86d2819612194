# shellcheck shell=bash
# The parts of scripts/demo, in the order of the story.

HOST=pct-host
REPOSITORY=octo-org/pct-backend
TOKEN=made-up-github-token
PARTS="$ROOT/scripts/demo.d"
STARTED=() # processes to end

show() { "$VENV/bin/python" "$PARTS/show.py" "$@"; }

clean_up() {
  local pid
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -f "$DEMO/secrets"
  [ -z "${SECOND:-}" ] || docker image rm "localhost:5000/pct/$IMAGE_NAME:sha-${SECOND:0:12}" >/dev/null 2>&1 || true
  give_back_target
}

# Where things are, for this machine and for containers alike: the server by its own address, port 22.
load_places() {
  local key value
  while IFS='=' read -r key value; do declare -g "$key=$value"; done <"$WORK/env"
  SITE="http://127.0.0.1:$SANDBOX_HTTP_PORT"
  SERVER=$(docker container inspect -f "{{(index .NetworkSettings.Networks \"$SANDBOX_NETWORK\").IPAddress}}" "$HOST")
  KNOWN=$(grep -F ",$HOST " "$ROOT/$SANDBOX_KNOWN_HOSTS" | sed "s/^[^ ]* /$SERVER /")
  BINARY=$(program release pct-deploy)
  SANDBOX_PROGRAM=$(program debug sandbox)
}

build_runner() { DOCKER_BUILDKIT=0 docker build --force-rm -t "$RUNNER" - <"$PARTS/$APP.Dockerfile"; }

# What the user of the example has done by hand, once.
furnish_server() {
  local file
  docker exec "$HOST" /usr/local/sbin/pct-sandbox-wipe-app
  docker cp "$ROOT/examples/$APP/docker-compose.yml" "$HOST:/home/ec2-user/"
  docker exec "$HOST" chown ec2-user: /home/ec2-user/docker-compose.yml
  if [ -d "$ROOT/examples/$APP/nginx" ]; then
    for file in "$ROOT/examples/$APP"/nginx/*; do docker cp "$file" "$HOST:/etc/nginx/conf.d/"; done
    docker exec "$HOST" sh -c 'chown root: /etc/nginx/conf.d/* && nginx -t && systemctl reload nginx'
  fi
  [ "$APP" != hello ] || hand_over_dependency
}

hand_over_dependency() {
  local image=localhost:5000/pct/hello-dep
  DOCKER_BUILDKIT=0 docker build --force-rm -t "$image" "$ROOT/target/hello/context"
  docker save "$image" | docker exec -i "$HOST" docker load
}

in_project() { git -C "$PROJECT" -c user.name='Octo Cat' -c user.email=octocat@users.noreply.github.com -c commit.gpgsign=false "$@"; }
head_commit() { in_project rev-parse HEAD; }

make_repository() {
  local workflow="$PROJECT/.github/workflows/deploy.yml"
  cp -a "$ROOT/examples/$APP" "$PROJECT"
  rm -rf "$PROJECT/target" "$PROJECT/build"
  # The workflow as it is, but for the registry: Docker Hub is out of reach.
  # shellcheck disable=SC2016 # the runner expands it
  sed -i 's|image: ${{ secrets|image: localhost:5000/${{ secrets|' "$workflow"
  grep -q 'image: localhost:5000/' "$workflow"
  git init -q -b main "$PROJECT"
  in_project remote add origin "https://github.com/$REPOSITORY.git"
  in_project add -A
  in_project commit -qm 'feat: first release'
}

build_first() {
  case "$APP" in
    parking) (cd "$PROJECT" && mvn -B -DskipTests package) ;;
    hello) cp "$ROOT/target/hello/context/hello" "$PROJECT/hello" ;;
  esac
}

change_project() {
  in_project checkout -qb feature
  case "$APP" in
    parking) sed -i 's/new Welcome("parking"/new Welcome("parking 🎅🏼"/' "$PROJECT/src/main/java/kr/parkingcomestrue/parking/ParkingController.java" ;;
    hello) sed -i 's/(200, format!("hello {version}/(200, format!("hello again, {version}/' "$PROJECT/src/routes.rs" ;;
  esac
  in_project commit -qam 'feat: greet like Santa'
}

# start_stand_in slack|github OPTION...: prints its address when it listens.
start_stand_in() {
  local name=$1 url
  "$SANDBOX_PROGRAM" "$@" --record "$DEMO/$name.jsonl" >"$DEMO/$name.url" &
  STARTED+=($!)
  wait_for 10 test -s "$DEMO/$name.url" || die "the stand-in for $name does not start" "run it: $SANDBOX_PROGRAM $name"
  url=$(cat "$DEMO/$name.url")
  declare -g "${name^^}_URL=$url"
  say "ok  a stand-in for $name listens at ${url%/services*}"
}

# The command line with this server's settings, for the demo and for whoever goes on from there.
write_command() {
  cat >"$DEMO/pct-deploy" <<COMMAND
#!/bin/sh
export PCT_DEPLOY_IMAGE=localhost:5000/pct/$IMAGE_NAME PCT_DEPLOY_SLOTS=$SLOTS PCT_DEPLOY_HEALTH_PATH=$HEALTH
export PCT_DEPLOY_SSH_HOST=$SERVER PCT_DEPLOY_SSH_USER=$SANDBOX_SSH_USER PCT_DEPLOY_SSH_KEY='$ROOT/$SANDBOX_SSH_KEY'
export PCT_DEPLOY_SSH_KNOWN_HOSTS='$KNOWN'
exec '$BINARY' "\$@"
COMMAND
  chmod +x "$DEMO/pct-deploy"
}

# The password comes by the environment, never as an argument.
deploy_first() {
  write_command
  PCT_DEPLOY_REGISTRY_PASSWORD=$SANDBOX_REGISTRY_PASSWORD "$DEMO/pct-deploy" deploy --json \
    --registry-username "$SANDBOX_REGISTRY_USER" --context "$PROJECT" --build-args "$VERSION_ARG=$FIRST" >"$DEMO/first.json" ||
    die 'the first deploy failed' 'read the lines above, then run the same command again'
}

# Quotes keep a value of several lines together in act's secret file.
write_secrets() {
  (
    umask 077
    cat >"$DEMO/secrets" <<SECRETS
GITHUB_TOKEN=$TOKEN
DOCKERHUB_USERNAME=$SANDBOX_REGISTRY_USER
DOCKERHUB_TOKEN=$SANDBOX_REGISTRY_PASSWORD
EC2_HOST=$SERVER
EC2_USERNAME=$SANDBOX_SSH_USER
EC2_PRIVATE_KEY='$(cat "$ROOT/$SANDBOX_SSH_KEY")'
EC2_KNOWN_HOSTS='$KNOWN'
SLACK_WEBHOOK_URL=$SLACK_URL
SECRETS
  )
}

write_event() {
  "$SANDBOX_PROGRAM" event --repo "$REPOSITORY" --pr 7 --head feature --head-sha "$1" --put "$LABEL" --out "$DEMO/event.json"
}

start_load() {
  "$SANDBOX_PROGRAM" load --url "$SITE/" "${LOAD[@]}" --post 30 --post-path "$POST_PATH" --seconds 1200 --json >"$DEMO/load.json" &
  LOAD_PID=$!
  STARTED+=("$LOAD_PID")
  sleep 2
  say "ok  load: GET / and POST $POST_PATH on keep-alive connections (${LOAD[*]})"
}

stop_load() {
  kill -INT "$LOAD_PID"
  wait "$LOAD_PID" || die 'the load client failed' "read target/demo/load.json"
}

# The workflow runs as it is. What it takes from GitHub is given here: the two actions that come before
# ours are one line each, since act already has the commit and the runner's image the JDK; ours is target/action.
run_act() {
  local mounts code=0
  write_secrets
  case "$APP" in
    parking) mounts="-v $HOME/.m2:/root/.m2" ;;
    hello) mounts="-v $(rustc --print sysroot):/opt/rust:ro -v ${CARGO_HOME:-$HOME/.cargo}/registry:/root/.cargo/registry" ;;
  esac
  (cd "$PROJECT" && timeout -k 10 1000 "$ROOT/$SANDBOX_ACT" pull_request --json --rm --bind --pull=false </dev/null \
    -e "$DEMO/event.json" -P "ubuntu-latest=$RUNNER" --container-options "$mounts" --secret-file "$DEMO/secrets" \
    --env "GITHUB_API_URL=$GITHUB_URL" --env "PCT_DEPLOY_SLACK_HOST=$(slack_host)" --env CARGO_NET_OFFLINE=true \
    --local-repository "actions/checkout@v6=$PARTS/in-place" --local-repository "actions/setup-java@v5=$PARTS/in-place" \
    --local-repository "org/pct-deploy-action@v1=$ROOT/target/action") 2>&1 | tee "$DEMO/act.jsonl" | show follow || code=$?
  rm -f "$DEMO/secrets"
  [ "$code" -eq 0 ] || warn "act ended with $code: target/demo/act.jsonl has all of it"
}
slack_host() { local host=${SLACK_URL#http://}; printf '%s' "${host%%/*}"; }

expect_version() {
  show get "$SITE/" "$1" || die "$SITE does not serve ${1:0:12}" "docker exec $HOST docker ps -a"
}
expect_emoji() { show find "$SITE/parkings" '시청 🎅🏼' || die 'the parking that was stored before is gone' "docker exec $HOST docker ps -a"; }
