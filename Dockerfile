# One image for every role: `serve` (the default), `web`, `worker`.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/quarterdeck
# The dependencies are a layer of their own: a change to the code does not install them again.
COPY pyproject.toml .ci/constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > requirements.txt \
 && /opt/quarterdeck/bin/pip install --only-binary :all: --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY server server
COPY protocol protocol
COPY static static
RUN /opt/quarterdeck/bin/pip install --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home quarterdeck \
 && install -d -o quarterdeck -g quarterdeck /data /project
COPY --from=build /opt/quarterdeck /opt/quarterdeck
ENV PATH=/opt/quarterdeck/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PORT=8000 \
    QUARTERDECK_WORKER_PORT=8001 \
    QUARTERDECK_DATA=/data \
    QUARTERDECK_PROJECT=/project
USER quarterdeck
WORKDIR /home/quarterdeck
VOLUME /data
EXPOSE 8000
# A worker by itself answers on its own port; compose.yaml says so.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["quarterdeck"]
CMD ["serve"]
