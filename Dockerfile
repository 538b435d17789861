# One static binary in an empty image.
#
#   docker build --tag vrrp .
#
# What it runs on, what it needs and what it costs: docs/containers.md.

FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
# Static with glibc, so that nothing else has to be in the image; without symbols, which are half of it.
ENV RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols"
RUN cargo build --release --locked --package vrrp-bin --bin vrrp --no-default-features --target "$(rustc --print host-tuple)"
RUN cp target/*/release/vrrp /vrrp

FROM scratch
COPY --from=build /vrrp /vrrp
# It is process 1 and writes no pid file: a container that was killed starts again.
ENTRYPOINT ["/vrrp", "run", "--from-env"]
# Leaves in good order: it serves until its successor is heard.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["/vrrp", "health"]
