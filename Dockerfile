# The command line, with nothing of anybody's in it:
#
#   docker build -t unveilify .
#   docker run --rm -v "$PWD:/work" unveilify remove photo.jpg --identity me.jpg -o out.png
#   docker run --rm -p 127.0.0.1:7860:7860 unveilify serve --host 0.0.0.0
#
# With a GPU: --gpus all. Networks that do not come with the package: -v WEIGHTS:/weights.
FROM python:3.12-slim

# What OpenCV wants of the system.
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml README.md LICENSE /src/
COPY unveilify /src/unveilify
COPY pipelines /src/pipelines
RUN pip install --no-cache-dir "/src[serve]" && rm -rf /src

ENV UNVEILIFY_WEIGHTS=/weights
WORKDIR /work
EXPOSE 7860
ENTRYPOINT ["unveilify"]
