# The locked dependencies and the project, installed where there is a package installer; the image itself gets none.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/domain-monitor
COPY requirements-runtime.lock ./
RUN pip --python /opt/domain-monitor/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE supervisord.conf ./
COPY common ./common
COPY actors ./actors
RUN pip --python /opt/domain-monitor/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
    && pip --python /opt/domain-monitor/bin/python uninstall --yes setuptools
# Nothing can be cached in the running image, so everything is compiled here, once: each of ten processes would do it again at
# every start, and the health check every half minute. Nobody edits an image, so sources are not compared (unchecked-hash).
RUN /opt/domain-monitor/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/domain-monitor/lib

FROM python:3.12-slim-bookworm
RUN groupadd --gid 10001 monitor \
    && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin monitor \
    && install --directory --owner 10001 --group 10001 --mode 0700 /app/state
RUN python -m compileall -q -f --invalidation-mode unchecked-hash \
    -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo|ensurepip|site-packages)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/domain-monitor /opt/domain-monitor
COPY supervisord.conf LICENSE /app/
ENV PATH=/opt/domain-monitor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATE_DIR=/app/state \
    CONTROL_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
VOLUME /app/state
EXPOSE 8000 5560
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s --retries=3 CMD ["domain-monitor", "health"]
CMD ["domain-monitor", "supervise"]
