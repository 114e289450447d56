"""A neutral server: nginx with one worker, which answers every request alike and counts them."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

MODULES = Path("/usr/lib/nginx/modules")
ANSWER = '{"error_code":0,"error_description":"success"}'
CONFIG = """
daemon off;
master_process on;
worker_processes 1;
{affinity}
{modules}
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/json;
  ssl_certificate {folder}/cert.pem;
  ssl_certificate_key {folder}/key.pem;
  limit_req_zone $server_name zone=calls:1m rate=200r/s;
  limit_req_status 429;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{tls} ssl;
    server_name plain;
    location / {{ return 200 '{answer}'; }}
    location = /count {{ stub_status; }}
  }}
  server {{
    listen 127.0.0.1:{slow};
    server_name slow;
    location / {{ {sleep} }}
  }}
  server {{
    listen 127.0.0.1:{limited};
    server_name limited;
    location / {{
      limit_req zone=calls burst=20 nodelay;
      error_page 429 = @refused;
      try_files /nothing @taken;
    }}
    location @taken {{ return 200 '{answer}'; }}
    location @refused {{
      add_header Retry-After 1 always;
      return 429 '{{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}}';
    }}
  }}
}}
"""


class Nginx:
    """A server that runs. Where it answers: `plain` and `tls` at once, `slow` after 50 ms, `limited` 200 times a second."""

    def __init__(self, folder, cpu=None):
        self.folder = Path(folder)
        self.plain, self.tls, self.slow, self.limited = free_ports(4)
        echo = MODULES / "ngx_http_echo_module.so"
        self.can_be_slow = echo.is_file()
        quoted = ANSWER.replace('"', '\\"')
        config = CONFIG.format(
            folder=self.folder,
            answer=ANSWER,
            affinity="" if cpu is None else f"worker_cpu_affinity {1 << cpu:b};",
            modules=f"load_module {echo};" if self.can_be_slow else "",
            sleep=f'echo_sleep 0.05; echo "{quoted}";' if self.can_be_slow else "return 500;",
            plain=self.plain,
            tls=self.tls,
            slow=self.slow,
            limited=self.limited,
        )
        (self.folder / "nginx.conf").write_text(config)
        certificate(self.folder)
        self.log = (self.folder / "output").open("wb")
        self.process = subprocess.Popen(
            [program(), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
            stdout=self.log,
            stderr=self.log,
        )
        wait_for(self.plain)

    def origin(self, kind):
        """Where clients send, without a path."""
        scheme = "https" if kind == "tls" else "http"
        host = "localhost" if kind == "tls" else "127.0.0.1"
        return f"{scheme}://{host}:{getattr(self, kind)}"

    def requests(self):
        """Requests that arrived up to now, without those that ask for this number."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.plain}/count", timeout=10) as answer:
            words = answer.read().decode().split()
        self.asked = getattr(self, "asked", 0) + 1
        # "server accepts handled requests A H R"
        return int(words[words.index("requests") + 3]) - self.asked

    @property
    def roots(self):
        """The certificate that clients have to trust."""
        return self.folder / "cert.pem"

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.log.close()


@contextlib.contextmanager
def server(folder, cpu=None):
    """A server for as long as it is needed."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    running = Nginx(folder, cpu)
    try:
        yield running
    finally:
        running.close()


def program():
    """Where nginx is; `None` if it isn't."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which("nginx", path=path)


def certificate(folder):
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext", "basicConstraints=critical,CA:FALSE",
    ]
    subprocess.run(command, check=True, capture_output=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("nginx did not start")
