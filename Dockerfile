# The image of web, worker, beat and migrate (docker-compose.yml).

FROM node:22-slim AS pages
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=fallbacks.settings STATIC_ROOT=/srv/static-built
WORKDIR /srv
COPY requirements/server.lock requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.lock
COPY manage.py ./
COPY fallbacks fallbacks
COPY ingest ingest
COPY dashboard dashboard
COPY templates templates
COPY static static
COPY --from=pages /srv/node_modules node_modules
# The settings want to be told their servers; collecting files asks none of them.
RUN SECRET_KEY=0123456789-that-signs-nothing-and-is-known-to-everybody ALLOWED_HOSTS=unused HTTPS=0 \
    DATABASE_URL=postgresql://unused/unused REDIS_URL=redis://unused BROKER_URL=redis://unused \
    python manage.py collectstatic --noinput && rm -r node_modules
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin observatory \
    && install -d -o observatory /srv/beat /srv/audit
USER observatory
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "fallbacks.wsgi:application"]
