# The action's image: the binary, `ssh`, and nothing that could run a script.
# The build context holds the binary, made before: by `scripts/dist`, and for a release by
# .github/workflows/release.yml. Nobody waits for a compiler in the middle of a deploy.
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

FROM scratch
LABEL org.opencontainers.image.title="pct-deploy" \
      org.opencontainers.image.description="Deploys a container to a small server without losing a request"
COPY --from=ssh /root-fs/ /
COPY pct-deploy /usr/local/bin/pct-deploy
# Root, no working directory, and no shell before the binary: the runner sets the folder, the Docker
# socket is root's, and a shell would drop the inputs, whose names have hyphens.
ENTRYPOINT ["/usr/local/bin/pct-deploy"]
