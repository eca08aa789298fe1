# docker build -t digits .
# docker run -p 5000:5000 -v digits:/data digits
ARG BASE=python:3.13-slim

# pip keeps to a venv of its own, since what serves needs neither pip nor setuptools; bytecode follows at the end.
FROM ${BASE} AS packages
COPY requirements/serve.txt /tmp/
RUN python3 -m venv /opt/pip \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --quiet --require-hashes \
    -r /tmp/serve.txt
# What never runs here: LiteRT for GPUs and phones (its interpreter is in another file), tests, and type stubs.
RUN cd /opt/venv/lib/python3*/site-packages \
 && rm -rf ai_edge_litert/libLiteRt*.so ai_edge_litert/tools ai_edge_litert/vendors \
 && find . \( -type d -name tests -o -name "*.pyi" \) -prune -exec rm -rf {} +

# Keras and TensorFlow take over a gigabyte; they are needed here only, to compile the model.
FROM packages AS compiler
ARG MODEL=mnist-neural.h5
COPY requirements/train.txt /tmp/
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --quiet --require-hashes \
    -r /tmp/train.txt
WORKDIR /app
COPY app.py ./
COPY digits digits
COPY ${MODEL} ./
RUN /opt/venv/bin/python -m digits.inference.convert ${MODEL}

FROM ${BASE}
ARG MODEL=mnist-neural.h5
RUN useradd --uid 10001 digits && install -d -o digits /data
COPY --from=packages /opt/venv /opt/venv
COPY --from=compiler /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIGITS_HOST=0.0.0.0 \
    DIGITS_MODEL=/app/${MODEL} \
    DIGITS_STORAGE=/data/uploads
# Bytecode of the application and of what it imports, since its user cannot write it: halves the start.
RUN python -m compileall -q app.py digits \
 && python -c "import alembic.command, digits.web.asgi, granian, sqlalchemy.dialects.sqlite, sqlalchemy.dialects.postgresql.psycopg, psycopg, obstore.store"
USER digits
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-m", "digits.server.health_check"]
CMD ["python", "app.py"]
