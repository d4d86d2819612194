# shellcheck shell=bash
# A container that is a whole server, the size of a t2.micro.

volume_of() { printf '%s-docker' "$1"; }

# `--privileged` is refused by some kernels, hence the capabilities one by one.
CAPABILITIES='SYS_ADMIN NET_ADMIN NET_RAW SYS_MODULE SYS_PTRACE SYS_CHROOT MKNOD AUDIT_WRITE AUDIT_CONTROL SETFCAP
  DAC_READ_SEARCH SYS_NICE SYSLOG IPC_LOCK BLOCK_SUSPEND WAKE_ALARM AUDIT_READ LINUX_IMMUTABLE NET_BROADCAST SYS_PACCT
  SYS_TIME SYS_BOOT SYS_TTY_CONFIG'

start_host() {
  local name=$1 image=$2 ssh_port=$3 http_port=$4 capability options=()
  for capability in $CAPABILITIES; do options+=(--cap-add "$capability"); done
  start "$name" "$image" "${options[@]}" --hostname "$name" \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
    --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw \
    --tmpfs /run:mode=755 --tmpfs /run/lock --tmpfs /tmp:exec,mode=1777 -v "$(volume_of "$name"):/var/lib/docker" \
    --memory 1g --memory-swap 3g -p "127.0.0.1:$ssh_port:22" -p "127.0.0.1:$http_port:80"
  open_door "$name"
  wait_for 60 host_is_ready "$name" || { docker exec "$name" systemctl --no-pager --failed; return 1; }
}

ENGINE=pct-engine
# start_engine FOLDER: an engine alone, trixie's with the containerd image store, at FOLDER/docker.sock. It shares the
# registry's network, so that its registry is localhost:5000 as everybody's.
start_engine() {
  local capability options=()
  for capability in $CAPABILITIES; do options+=(--cap-add "$capability"); done
  docker rm -f -v "$ENGINE" >/dev/null 2>&1 || true
  docker run -d --name "$ENGINE" "${options[@]}" --network container:pct-registry \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
    --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run:mode=755 --tmpfs /tmp:exec,mode=1777 \
    -v /var/lib/docker -v /var/lib/containerd -v "$1:/engine" --memory 1g pct-sandbox/host-v2 \
    sh -c 'echo "{\"features\":{\"containerd-snapshotter\":true}}" >/etc/docker/daemon.json &&
      exec dockerd -H unix:///engine/docker.sock --bridge=none --iptables=false --ip-forward=false'
  wait_for 30 docker -H "unix://$1/docker.sock" info || { docker logs --tail 20 "$ENGINE" && return 1; }
}

# Installs the deploy key; the container's root does it, so no password exists.
open_door() {
  wait_for 20 docker exec "$1" test -d /home/ec2-user/.ssh
  docker exec -i "$1" sh -c 'cat >/home/ec2-user/.ssh/authorized_keys && chmod 600 /home/ec2-user/.ssh/authorized_keys &&
    chown ec2-user:ec2-user /home/ec2-user/.ssh/authorized_keys' <"$KEY.pub"
}

host_is_ready() {
  docker exec "$1" sh -c 'systemctl is-active --quiet docker nginx ssh pct-sandbox-registry.socket && docker info'
}

active_swap() { awk -v file="/$(volume_of "$1")/_data/swapfile" 'index($1, file) { print $1 }' /proc/swaps; }
turn_off_swap() {
  local file
  file=$(active_swap "$1")
  [ ! -e "$file" ] || swapoff "$file" || warn "the swap file of $1 stays on: swapoff $file"
}

# Images the host cannot pull are handed over. Only what it lacks.
preload() {
  local image
  for image in mysql:latest redis:7.2.4-alpine; do
    [ "$(image_id "$image")" = "$(docker exec "$1" docker image inspect -f '{{.Id}}' "$image" 2>/dev/null)" ] ||
      docker save "$image" | docker exec -i "$1" docker load
  done
}

# 2 GiB of swap, as the seed's server has. Swap is machine-wide: `down` ends it.
turn_on_swap() {
  local file
  [ -z "$(active_swap "$1")" ] || return 0
  file=$(docker volume inspect -f '{{.Mountpoint}}' "$(volume_of "$1")")/swapfile
  if ! { fallocate -l 2G "$file" && chmod 600 "$file" && mkswap -q "$file" && swapon "$file"; }; then
    rm -f "$file"
    return 1
  fi
}
