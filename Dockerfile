# The whole service in one small image: no root, no compiler, nothing fetched at run time.
#   docker build -t roomwise .
#   docker run -p 127.0.0.1:8765:8765 -e ROOMWISE_WEB__PUBLISHED_LOCALLY=true \
#     -v roomwise-data:/data -v roomwise-key:/key roomwise
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/roomwise
ENV PATH=/opt/roomwise/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
RUN pip install --require-hashes --no-deps --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY adapters adapters
COPY bot bot
COPY config config
COPY docs docs
COPY pipelines pipelines
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes hatchling editables pip

FROM python:3.12-slim
# git follows repositories, over ssh where the settings say so; nothing else is added to the base image.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin roomwise \
    && install -d -o roomwise -g roomwise -m 0700 /data /key
COPY --from=build /opt/roomwise /opt/roomwise
# The key lies on a volume of its own: a copy of /data alone gives no one's words away.
ENV PATH=/opt/roomwise/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ROOMWISE_DATA_DIR=/data \
    ROOMWISE_KEY_FILE=/key/roomwise.key \
    ROOMWISE_WEB__HOST=0.0.0.0 \
    ROOMWISE_WEB__PORT=8765
USER roomwise
WORKDIR /data
VOLUME ["/data", "/key"]
EXPOSE 8765
# SIGTERM stops the service within 10 s with nothing lost.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['ROOMWISE_WEB__PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["roomwise"]
CMD ["run"]
