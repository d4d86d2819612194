# The action's image: the binary, `ssh`, and nothing that could run a script.
#
#   docker build .                      compiles it here: a clone, a fork, `uses: ./` or `@main`
#   docker build --target prebuilt .    takes the binary from the folder `prebuilt`, laid out as in the image:
#                                       a release and the tests compile outside (scripts/dist)
#
# Base images go by tag and packages by what Debian has now: a fix of `ssh` must not wait for us. A release
# names the image that was built by its digest.

# As in a release, unless the build or its Rust image says otherwise: `dev` is quick.
ARG PCT_PROFILE=release

FROM debian:bookworm-slim AS ssh
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates openssh-client \
 && rm -rf /var/lib/apt/lists/*
# `pct-deploy-post` is the action's post step: its name tells it from the main step.
# The libraries that `ldd` names, its loader among them. `ssh` wants a passwd line for the user it
# runs as; looking up hosts and users needs no library beyond these since glibc 2.34.
RUN install -d /root-fs/etc/ssl/certs /root-fs/usr/local/bin /root-fs/root \
 && install -d -m 1777 /root-fs/tmp \
 && { echo /usr/bin/ssh; ldd /usr/bin/ssh | grep -o '/[^ ]*'; } | xargs cp --parents --dereference -t /root-fs \
 && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ \
 && echo 'root:x:0:0:root:/root:/sbin/nologin' >/root-fs/etc/passwd \
 && echo 'root:x:0:' >/root-fs/etc/group \
 && printf 'passwd: files\ngroup: files\nhosts: files dns\n' >/root-fs/etc/nsswitch.conf \
 && ln -s pct-deploy /root-fs/usr/local/bin/pct-deploy-post

# All but the binary.
FROM scratch AS frame
LABEL org.opencontainers.image.title="pct-deploy" \
      org.opencontainers.image.description="Deploys a container to a small server without losing a request" \
      org.opencontainers.image.licenses="MIT"
COPY --from=ssh /root-fs/ /
# Root, no working directory, and no shell before the binary: the runner sets the folder, the Docker
# socket is root's, and a shell would drop the inputs, whose names have hyphens.
ENTRYPOINT ["/usr/local/bin/pct-deploy"]

# The classic builder, which act uses, walks every stage above its target, so this one must get by
# without the folder, too: that is what the brackets are for.
FROM frame AS prebuilt
COPY LICENSE prebuil[t] /

# What is compiled. By way of a stage, so that the classic builder finds its layers again whoever sends the
# sources: it compares the headers of what a client sends, and act sends others than docker does.
FROM scratch AS sources
COPY Cargo.toml Cargo.lock /
COPY .cargo/config.toml /.cargo/
COPY tests/sandbox/Cargo.toml /tests/sandbox/
COPY src /src/

# Every package that the binary needs, compiled before our own source is looked at: a change of the source
# alone begins after this layer. Cargo wants a file for every target that it knows of.
FROM rust:1.95-slim-bookworm AS dependencies
WORKDIR /build
COPY --from=sources /Cargo.toml /Cargo.lock ./
COPY --from=sources /.cargo .cargo
COPY --from=sources /tests tests
# hadolint ignore=DL4006 # an `echo` does not fail
RUN mkdir -p src tests/contract tests/sandbox/src \
 && echo 'fn main() {}' | tee src/main.rs tests/contract/main.rs tests/sandbox/src/main.rs >/dev/null \
 && touch src/lib.rs tests/sandbox/src/lib.rs
ARG PCT_PROFILE
RUN cargo build --locked --profile "$PCT_PROFILE" --bin pct-deploy

FROM dependencies AS build
LABEL org.opencontainers.image.title="pct-deploy"
COPY --from=sources /src src
ARG PCT_PROFILE
# The stubs may be younger than the source.
RUN touch src/main.rs src/lib.rs \
 && cargo build --locked --profile "$PCT_PROFILE" --bin pct-deploy \
 && cp target/*/*/pct-deploy /

FROM frame
COPY LICENSE /
COPY --from=build /pct-deploy /usr/local/bin/
