# SPDX-License-Identifier: ISC
"""A server on the server's CPU that answers at once and notes when each
request came: by the kernel's time stamp, so that its own stalls do not show.
A request fits one segment. Knows nothing of who asks."""

import os
import select
import signal
import socket
import struct

from measure import server_cpu

RX_SOFTWARE, SOFTWARE = 1 << 3, 1 << 4  # of SO_TIMESTAMPING
SO_TIMESTAMPING = 37
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"x" * 400


class Paced:
    """One process; worker, ca and the job's other needs as Nginx has them."""

    def __init__(self, nginx):
        self.ca = nginx.ca
        self.path = os.path.join(nginx.folder, "paced.log")
        # Each host has an address of its own in 127.0.0.0/8.
        listener = socket.create_server(("", 0), backlog=4096)
        listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING,
                            RX_SOFTWARE | SOFTWARE)
        self.port = listener.getsockname()[1]
        self.worker = os.fork()
        if self.worker == 0:
            try:
                server_cpu()
                answer(listener, self.path)
            finally:
                os._exit(1)
        listener.close()

    def stop(self):
        """Ends it and gives what came: (host, seconds) in their order."""
        os.kill(self.worker, signal.SIGTERM)
        os.waitpid(self.worker, 0)
        with open(self.path, encoding="ascii") as f:
            pairs = [line.split() for line in f]
        return [(host, int(ns) / 1e9) for host, ns in pairs]


def stamp(ancillary):
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
            seconds, ns = struct.unpack_from("qq", data)
            return seconds * 10**9 + ns
    return 0


def answer(listener, path):
    parent, conns, seen, over = os.getppid(), {}, [], []
    signal.signal(signal.SIGTERM, lambda *_: over.append(1))
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while not over and os.getppid() == parent:
        for fd, _ in poll.poll(0.2):
            if fd == listener.fileno():
                conn, _ = listener.accept()
                conns[conn.fileno()] = conn
                poll.register(conn, select.EPOLLIN)
                continue
            try:
                data, ancillary, _, _ = conns[fd].recvmsg(4096, 256)
            except OSError:
                data = b""
            if not data:
                conns.pop(fd).close()
                continue
            conns[fd].send(ANSWER)
            at = data.index(b"Host: ") + 6
            seen.append((data[at:data.index(b"\r", at)], stamp(ancillary)))
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"{host.decode()} {ns}\n" for host, ns in seen)
    os._exit(0)
