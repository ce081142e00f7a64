# A Hugging Face Docker Space (see the front matter of README.md), or any host with Docker:
#   docker build -t reel-virality . && docker run --rm -p 8501:8501 reel-virality
FROM python:3.11-slim

# Spaces run the container as user 1000.
RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1

COPY --chown=user requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --user -r requirements.txt

COPY --chown=user . .

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"

# A Space shows the page in a frame from another origin, where Streamlit's XSRF cookie would block every upload.
CMD ["streamlit", "run", "app.py", "--server.port=8501", "--server.address=0.0.0.0", "--server.enableXsrfProtection=false"]
