# syntax=docker/dockerfile:1
# An image with nothing in it but the program, its licences and the certificate authorities that it trusts. Build it with
#   docker build --build-arg HSS_SYNC_COMMIT="$(git rev-parse --short=12 HEAD)" --tag hss-sync .
# It works with a root that can't be written to, as any user, and keeps its runs in the directory that is mounted at /work:
#   docker run --rm --read-only --user "$(id -u):$(id -g)" --volume "$PWD:/work" hss-sync run plans/ --dry-run
#
# The build image is pinned by digest, so that a tag that moves changes nothing here. For a new one:
# `docker buildx imagetools inspect rust:<version>-alpine<version>` and the digest of the whole list, not of one platform.
FROM rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build

# The C of the cryptography library needs the headers. Alpine removes a package when there is a newer one, so a pinned version
# would soon not build.
# hadolint ignore=DL3018
RUN apk add --no-cache musl-dev

WORKDIR /hss-sync
COPY . .
ARG HSS_SYNC_COMMIT
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/hss-sync/target \
    dist/build --program-only --out /out

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /hss-sync/LICENSE /out/THIRD-PARTY.txt /usr/share/doc/hss-sync/
COPY --from=build /out/hss-sync /usr/local/bin/hss-sync
# A number, so that a cluster can see that it isn't root.
USER 65532:65532
ENV PATH=/usr/local/bin
WORKDIR /work
ENTRYPOINT ["hss-sync"]
