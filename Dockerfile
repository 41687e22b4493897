# floe in a container: built by the same script as everywhere, run as a user of its own on what it links and nothing more.
# The project (its folder with floe.yaml) is mounted at /project.
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN ./dev build release floe && cmake --install build --strip --prefix /opt/floe

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libjansson4 liblmdb0 libmicrohttpd12 librdkafka1 libsnappy1v5 \
       libsqlite3-0 libssl3 libstdc++6 libyaml-0-2 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home floe
COPY --from=build /opt/floe /usr/local
USER floe
WORKDIR /project
EXPOSE 6566
ENTRYPOINT ["floe"]
CMD ["serve"]
