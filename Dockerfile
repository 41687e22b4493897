# floe in a container: built by the same script as everywhere, run as a user of its own on what it links and nothing more.
# The project (its folder with floe.yaml) is mounted at /project.
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN ./dev build release floe && cmake --install build --strip --prefix /opt/floe \
    && mkdir -p /opt/floe/share/floe && cp -r /root/.cache/floe/minilm-*/all-MiniLM-L6-v2 /opt/floe/share/floe/

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libexpat1 libgomp1 libjansson4 liblmdb0 libmicrohttpd12 libopenblas0-pthread librdkafka1 libsnappy1v5 \
       libsqlite3-0 libssl3 libstdc++6 libyaml-0-2 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home floe
COPY --from=build /opt/floe /usr/local
ENV FLOE_MODEL_DIR=/usr/local/share/floe/all-MiniLM-L6-v2
USER floe
WORKDIR /project
EXPOSE 6566
ENTRYPOINT ["floe"]
CMD ["serve"]
