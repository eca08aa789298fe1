# docker build -t digits .
# docker run -p 5000:5000 -v digits:/data digits
ARG BASE=python:3.13-slim

FROM ${BASE} AS packages
COPY requirements/serve.txt /tmp/
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --quiet --require-hashes -r /tmp/serve.txt

# Keras and TensorFlow take over a gigabyte; they are needed here only, to compile the model.
FROM packages AS compiler
ARG MODEL=mnist-neural.h5
COPY requirements/train.txt /tmp/
RUN /opt/venv/bin/pip install --no-cache-dir --quiet --require-hashes -r /tmp/train.txt
WORKDIR /app
COPY app.py ./
COPY digits digits
COPY ${MODEL} ./
RUN /opt/venv/bin/python -m digits.compile ${MODEL} \
 && /opt/venv/bin/python -m compileall -q app.py digits

FROM ${BASE}
ARG MODEL=mnist-neural.h5
RUN useradd --system --uid 10001 digits && install -d -o digits /data
COPY --from=packages /opt/venv /opt/venv
COPY --from=compiler /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIGITS_HOST=0.0.0.0 \
    DIGITS_MODEL=/app/${MODEL} \
    DIGITS_STORAGE=/data/uploads
USER digits
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('DIGITS_PORT', 5000)}/readyz\")"]
CMD ["python", "app.py"]
