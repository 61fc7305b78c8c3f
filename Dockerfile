# docker build -t weapp-login . && docker run --rm -p 3000:3000 weapp-login

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# Builds the dependencies first, with an empty crate, so that they stay cached while src changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY crates crates
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
 && cargo build --release --locked --package weapp-login && rm -r src
COPY . .
RUN touch src/lib.rs src/main.rs && cargo build --release --locked --package weapp-login
# The content of the image: the binary, its shared libraries, root certificates and a folder for the database. There is no shell
# and no package manager.
RUN mkdir -p /image/data /image/tmp /image/etc/ssl/certs \
 && cp target/release/weapp-login /image/ \
 && for library in $(ldd target/release/weapp-login | grep -o '/[^ ]*'); do cp --parents -L "$library" /image; done \
 && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && chown 10001:10001 /image/data && chmod 700 /image/data && chmod 1777 /image/tmp

FROM scratch
COPY --from=build /image /
USER 10001:10001
WORKDIR /
# Accepts connections from outside the container. `docker run -p` decides which addresses can reach the port.
ENV WEAPP_SERVER__HOST=0.0.0.0 \
    WEAPP_STORE__URL=sqlite:///data/weapp.db
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/weapp-login", "healthcheck"]
ENTRYPOINT ["/weapp-login"]
