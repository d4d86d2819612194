# Stands in for the ubuntu-latest runner, as far as the example's workflow needs it: a linker is there,
# and Rust, which the demo mounts at /opt/rust.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/rust/bin:$PATH
