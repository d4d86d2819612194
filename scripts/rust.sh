# shellcheck shell=bash
# For the scripts that build Rust.

# Under sudo, Rust is still the caller's: sudo's PATH leaves it out.
find_rust() {
  command -v cargo >/dev/null && return 0
  local home
  home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)
  [ -x "$home/.cargo/bin/cargo" ] || die 'Rust is not installed' 'install it from https://rustup.rs, then run the same command again'
  export PATH="$home/.cargo/bin:$PATH" RUSTUP_HOME="${RUSTUP_HOME:-$home/.rustup}"
}

# program PROFILE NAME: where cargo puts it; the target is named in .cargo/config.toml.
program() { printf '%s/%s/%s/%s' "${CARGO_TARGET_DIR:-$ROOT/target}" "$(rustc -vV | sed -n 's/^host: //p')" "$1" "$2"; }

# Under sudo, everything built belongs to the person who called.
give_back_target() {
  [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$ROOT/target"
}
