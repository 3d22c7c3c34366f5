# The authorization server and the example MCP server: one image, two commands.
# Exact versions here, hashes for every wheel in requirements/runtime.txt. Where the registry can be reached, replace each
# tag by its digest before you trust what you build; a tag can be moved.
ARG PYTHON=3.13.9-slim-bookworm

FROM python:${PYTHON} AS wheels
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/runtime.txt /tmp/runtime.txt
# No compiler, no build script of a stranger: wheels alone, each with the hash that was reviewed.
RUN python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: -r /tmp/runtime.txt

FROM python:${PYTHON}
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONPATH=/app
# A user without a name, a home or a shell; nothing in the image belongs to it, so it can change nothing: but an empty folder, whose owner the volume
# that is mounted there takes over.
RUN groupadd --gid 10001 authserver && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin authserver \
 && install -d -m 700 -o 10001 -g 10001 /var/lib/record \
 && rm -rf /usr/local/lib/python3.13/site-packages/pip* /usr/local/bin/pip*
COPY --from=wheels /opt/venv /opt/venv
COPY LICENSE pyproject.toml /app/
COPY migrations /app/migrations
COPY resource_lib /app/resource_lib
COPY authserver /app/authserver
COPY examples /app/examples
RUN python -m compileall -q /app /opt/venv/lib

WORKDIR /app
USER 10001:10001
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9000/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m"]
CMD ["authserver", "serve"]
