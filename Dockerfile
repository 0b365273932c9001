# syntax=docker/dockerfile:1
# Fundwatch as an image: docs/install.md says how to build and run it.
#
# Two stages, so that neither pip's leavings nor the sources are in what runs. The folder that
# is mounted at /data is the only place that it writes to, beside /tmp: the root file system may
# be read-only.

# The tag alone names another image every week. `make image-digest` adds @sha256:... to it, from
# a machine with docker that reaches the registry (where this was written there was none).
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build

# Which versions go in, each with its hash. requirements-extras.lock adds the demo's mail server
# and Apprise:  --build-arg LOCK=requirements-extras.lock
ARG LOCK=requirements.lock

WORKDIR /src
COPY requirements.lock requirements-extras.lock ./
RUN python -m venv /opt/fundwatch \
    && /opt/fundwatch/bin/pip install --no-cache-dir --require-hashes -r "$LOCK"
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE NOTICE .env.example watchlist.example.yaml ./
COPY config/ config/
COPY docs/ docs/
COPY monitor/ monitor/
RUN /opt/fundwatch/bin/pip install --no-cache-dir --no-deps --no-build-isolation .


FROM ${BASE}

LABEL org.opencontainers.image.title="Fundwatch" \
      org.opencontainers.image.description="Self-hosted monitor of flagged blockchain addresses" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number of our own, so that the mounted folder has the same owner on every machine.
RUN groupadd --gid 10001 fundwatch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
       --shell /usr/sbin/nologin fundwatch \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data

COPY --from=build /opt/fundwatch /opt/fundwatch

ENV PATH="/opt/fundwatch/bin:$PATH" \
    FUNDWATCH_HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /data
# Numbers, not names: only these can be seen by Kubernetes to be no root.
USER 10001:10001

# Reads only; not well also means: something cannot be read, or is not told.
HEALTHCHECK --interval=60s --timeout=30s --start-period=180s --retries=3 \
    CMD ["fundwatch", "status", "--healthy"]

# Stops by itself on SIGTERM within 10 seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["fundwatch"]
CMD ["run"]
