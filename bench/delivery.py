"""The number of mails per second that one process delivers to an SMTP server that accepts and discards everything.

    .venv/bin/python -m bench.delivery [MAILS] [DATABASE_URL]

The database is a SQLite file unless a URL is given; it must be empty. The SMTP server is a separate process, so that
the CPU time that is printed is that of delivery.
"""

import multiprocessing
import socketserver
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.mail.messages import Letter
from app import create_app
from models import db

REPLIES = {b"DATA": b"354 go ahead", b"QUIT": b"221 bye"}


class Sink(socketserver.StreamRequestHandler):
    """A dialogue with an SMTP server that accepts everything."""

    def handle(self) -> None:
        """Accept every command, and discard the text of every mail."""
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            self.wfile.write(REPLIES.get(command, b"250 OK") + b"\r\n")
            if command == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                self.wfile.write(b"250 OK\r\n")


def serve(ready: Connection) -> None:
    """Run the SMTP server, and send its port through the pipe."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as server:
        ready.send(server.server_address[1])
        server.serve_forever()


def main(mails: int, url: str) -> None:
    """Deliver mails, and print their number per second and the CPU time of each."""
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    sink.start()
    with tempfile.TemporaryDirectory() as name:
        settings = {"INSTANCE_DIR": str(Path(name)), "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(ours.recv())}
        app = create_app({"CMS_ENV": "development", "DATABASE_URL": url, "MAIL_DELIVERY": "worker", **settings})
        with app.app_context():
            db.create_all()
            for number in range(mails):
                letter = Letter("code", f"{number:06} is your code", "Text of a mail.\n" * 20, "<p>Text.</p>" * 40)
                outbox.enqueue(letter, f"to{number}@example.com", user_id=None)
            db.session.commit()
            wall, cpu = time.perf_counter(), time.process_time()
            deliver_due(threading.Event())
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{mails / wall:6.0f} mails/s   {1000 * cpu / mails:5.2f} ms of CPU per mail")  # noqa: T201
    sink.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2] if len(sys.argv) > 2 else "")
