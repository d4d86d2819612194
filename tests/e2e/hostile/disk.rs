//! A small disk that the app's data and our state share, as on a small server, so that a release can fill it.

use crate::world::World;

/// What the slots see of it.
pub(super) const DATA: &str = "/data";

const DISK: &str = "/var/small";
const STATE: &str = "/var/lib/pct-deploy/hello";
const COMPOSE: &str = "/home/ec2-user/docker-compose.yml";

/// Moves the state to the disk, and gives both slots a folder on it. Its pages count against the slot's memory limit,
/// so it is smaller than that.
pub(super) fn mount(world: &World) {
    world.ask_host(&format!(
        "umount -lq {DISK}; set -e; mkdir -p {DISK}; mount -t tmpfs -o size=24m,mode=755 small {DISK}; \
         mkdir {DISK}/data; cp -a {STATE} {DISK}/state; mount --bind {DISK}/state {STATE}; \
         sed -i 's|^    ports:$|    volumes:\\n      - {DISK}/data:{DATA}\\n    ports:|' {COMPOSE}; \
         grep -c {DISK}/data {COMPOSE} | grep -qx 2"
    ));
    // nginx has the old log file open.
    world.ask_host("nginx -s reload");
}

/// Whether there is no room for another page.
pub(super) fn is_full(world: &World) -> bool {
    let free = world.ask_host(&format!("df --output=avail {DISK} | tail -n 1"));
    free.trim().parse::<u64>().is_ok_and(|kib| kib < 256)
}

/// What an operator does about it.
pub(super) fn make_room(world: &World) {
    world.ask_host(&format!("rm -f {DISK}/data/*"));
}

pub(super) fn unmount(world: &World) {
    world.ask_host(&format!("umount -l {STATE}; umount -l {DISK}"));
}
