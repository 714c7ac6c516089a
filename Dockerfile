# One image for every role: `up` (the default), `up --workers 0`, `worker`, `bootstrap`.
FROM python:3.13-slim

# PYTHONDONTWRITEBYTECODE stays unset: pip compiles what it installs, and processes start in half the time.
ENV PYTHONUNBUFFERED=1 \
    HEALTHTRACK_NO_BOOTSTRAP=1 \
    HEALTHTRACK_DATA_DIR=/data

WORKDIR /app
COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/runtime.txt
COPY . .
# The account needs a name: PostgreSQL, embedded where DATABASE_URL is not set, refuses one without.
RUN useradd --uid 10001 --create-home healthtrack \
    && install -d -o healthtrack -g healthtrack -m 0700 /data \
    && python -m compileall -q config runtime environments notifications errortracking healthtrack outbound
USER healthtrack

VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8000)}/readyz', timeout=4)"]
CMD ["python", "manage.py", "up", "--host", "0.0.0.0"]
