# Scores the orders of a mounted folder:
#   docker build -t duramen .
#   docker run --rm -v "$PWD:/data" duramen score orders.csv --model model --out scores.parquet
FROM python:3.12-slim

# LightGBM needs the OpenMP library of the system.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml constraints.txt README.md CHANGELOG.md LICENSE /build/
COPY src /build/src
RUN pip install --no-cache-dir --constraint /build/constraints.txt "/build[report,mysql,postgres]" && rm -r /build

# Caches of libraries; the user of the container may be any.
ENV HOME=/tmp
WORKDIR /data
ENTRYPOINT ["duramen"]
CMD ["--help"]
