# Stands in for the ubuntu-latest runner, as far as the example's workflow needs it: Maven is there,
# and the JDK that actions/setup-java would bring.
FROM debian:bookworm-slim
RUN apt-get update \
 && mkdir -p /usr/share/man/man1 \
 && apt-get install -y --no-install-recommends maven openjdk-17-jdk-headless \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
