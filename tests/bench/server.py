# SPDX-License-Identifier: ISC
"""What is fetched from: an nginx of one worker on the server's CPU, its
certificates, and a name server that puts *.test onto 127.0.0.0/8."""

import importlib.util
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request

from measure import server_cpu

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = 100
SO_RCVBUFFORCE = 33
ECHO = "/usr/lib/nginx/modules/ngx_http_echo_module.so"

CONF = """
load_module {echo};
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
error_log {dir}/error.log warn;
pid {dir}/nginx.pid;
{user}
events {{ worker_connections {connections}; }}
http {{
	access_log off;
	default_type text/html;
	keepalive_requests 1000000000;
	keepalive_timeout 300s;
	sendfile on;
	tcp_nopush on;
	client_body_temp_path {dir}/tmp;
	proxy_temp_path {dir}/tmp;
	fastcgi_temp_path {dir}/tmp;
	uwsgi_temp_path {dir}/tmp;
	scgi_temp_path {dir}/tmp;
	ssl_certificate {dir}/server.pem;
	ssl_certificate_key {dir}/server.key;
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_cache off;
	ssl_session_tickets off;
{servers}
}}
"""

SERVER = """
	server {{
		listen {port} backlog=16384{ssl};
		listen [::]:{port} backlog=16384{ssl};
		{keepalive}
		root {dir}/files;
{pages}
		location /html/ {{ add_header Content-Encoding gzip; }}
		location = /status {{ stub_status; }}
		location = /wait {{ echo_sleep 1; echo -n "{body}"; }}
		location = /wait10 {{ echo_sleep 10; echo -n "{body}"; }}
		location = /drip10 {{ {drip} }}
		location = /wait55 {{ echo_sleep 0.055; echo -n "{body}"; }}
		location = /soon {{ echo_sleep 0.01; echo -n "{body}"; }}
	}}
"""


def demo_site():
    """tests/demo/site.py, whose name the standard library has taken."""
    spec = importlib.util.spec_from_file_location(
        "demo_site", os.path.join(TESTS, "demo", "site.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(n):
    """200 to 600 bytes, the same for the same n."""
    head = f"<!doctype html><title>page {n}</title><p>"
    return head + "x" * (200 + 4 * (n % PAGES) - len(head))


def free_port():
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::", 0))
        return s.getsockname()[1]


class Nginx:
    """ports: http, https, and https_new, which closes after each answer."""

    def __init__(self, folder):
        self.folder, self.asked = folder, 0
        for sub in "tmp", "files":
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
        certificate = demo_site().certificate
        certificate(folder, "ca", "fetchd bench CA")
        certificate(folder, "server", "bench", ["localhost", "*.test"], "ca")
        self.ca = os.path.join(folder, "ca.pem")
        self.ports = {k: free_port() for k in ("http", "https", "https_new")}
        self.configure()
        self.log = open(os.path.join(folder, "stderr"), "wb")
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", folder, "-c", self.conf],
            preexec_fn=server_cpu, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        self.wait_ready()
        self.worker = self.find_worker()

    def configure(self):
        files = 20000
        pages = "\n".join(
            f'\t\tlocation = /p/{n} {{ return 200 "{page(n)}"; }}'
            for n in range(PAGES))
        servers = "".join(SERVER.format(
            port=port, dir=self.folder, pages=pages, body="x" * 400,
            drip="echo -n x; echo_sleep 1;" * 10,
            ssl=" ssl" if name != "http" else "",
            keepalive="keepalive_timeout 0;" if name == "https_new" else "")
            for name, port in self.ports.items())
        self.conf = os.path.join(self.folder, "nginx.conf")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(CONF.format(
                echo=ECHO, dir=self.folder, files=files,
                connections=files - 500, servers=servers,
                user="user root;" if os.getuid() == 0 else ""))

    def wait_ready(self):
        until = time.monotonic() + 10
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(
                    ("127.0.0.1", self.ports["http"]), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8") as f:
            sys.exit("bench: nginx did not start: " + f.read())

    def find_worker(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return int(f.read().split()[0])

    def status(self):
        """The words of its status page."""
        self.asked += 1
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.ports['http']}/status",
                timeout=10) as f:
            return f.read().decode("ascii").split()

    def requests(self):
        """How many it has answered so far, such questions left out."""
        return int(self.status()[9]) - self.asked

    def in_flight(self):
        """Requests that wait for their answer now, this question not."""
        return int(self.status()[13]) - 1

    def big_file(self, name, size):
        with open(os.path.join(self.folder, "files", name), "wb") as f:
            f.truncate(size)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Names:
    """The name server, as a process of its own on the server's CPU."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.hold_bursts()
        self.address = "127.0.0.1#%d" % self.socket.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                server_cpu()
                answer_names(self.socket)
            finally:
                os._exit(1)

    def hold_bursts(self):
        """A thousand questions at once must not be lost: each costs 1.5 s."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   8 << 20)

    def stop(self):
        os.kill(self.pid, 15)
        os.waitpid(self.pid, 0)


def answer_names(sock):
    """hN.test is 127.x.y.z by its number; there is no AAAA."""
    parent = os.getppid()
    sock.settimeout(1)
    while os.getppid() == parent:
        try:
            data, peer = sock.recvfrom(1500)
        except socket.timeout:
            continue
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        digits = bytes(c for c in question[1:1 + question[0]]
                       if 48 <= c <= 57)
        record = b""
        if question[-4:-2] == b"\0\1":
            n = int(digits or b"0") + 2
            record = (b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4"
                      + struct.pack("!I", 0x7f000000 + n))
        sock.sendto(data[:2] + struct.pack(
            "!HHHHH", 0x8580, 1, 1 if record else 0, 0, 0) + question + record,
            peer)
