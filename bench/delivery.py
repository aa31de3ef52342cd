"""The number of mails per second that one or several workers deliver to an SMTP server that discards everything.

    .venv/bin/python -m bench.delivery [MAILS] [DATABASE_URL] [--workers 1,2,4] [--reply-seconds 0.0]

The database is a SQLite file unless a URL is given, or `postgresql`, which starts a server; it must be empty. Every
worker is a process, as with `flask mail deliver --watch`, and so is the SMTP server: the CPU time that is printed is
that of the workers. A mail server on the network takes time to accept a mail: `--reply-seconds` is that time.
"""

import argparse
import contextlib
import multiprocessing
import socketserver
import tempfile
import threading
import time
from multiprocessing.connection import Connection

from flask import Flask
from sqlalchemy import select

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.mail.messages import Letter
from app import create_app
from models import Mail, db
from tests.servers import PostgresServer

REPLIES = {b"DATA": b"354 go ahead", b"QUIT": b"221 bye"}


class Sink(socketserver.StreamRequestHandler):
    """A dialogue with an SMTP server that accepts everything."""

    reply_seconds = 0.0

    def handle(self) -> None:
        """Accept every command, and discard the text of every mail."""
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            self.wfile.write(REPLIES.get(command, b"250 OK") + b"\r\n")
            if command == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                time.sleep(self.reply_seconds)
                self.wfile.write(b"250 OK\r\n")


def serve(ready: Connection, reply_seconds: float = 0.0) -> None:
    """Run the SMTP server, and send its port through the pipe."""
    Sink.reply_seconds = reply_seconds
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as server:
        ready.send(server.server_address[1])
        server.serve_forever()


def work(settings: dict[str, str], pipe: Connection) -> None:
    """Wait for a message, deliver all mail, and send the CPU time."""
    app = create_app(settings)
    with app.app_context():
        db.session.execute(select(Mail.id).limit(1))  # Opens the connection.
        db.session.rollback()
        pipe.send("ready")
        pipe.recv()
        start = time.process_time()
        deliver_due(threading.Event())
        pipe.send(time.process_time() - start)


def enqueue(app: Flask, mails: int) -> None:
    """Store mails in the outbox."""
    with app.app_context():
        for number in range(mails):
            letter = Letter("code", f"{number:06} is your code", "Text of a mail.\n" * 20, "<p>Text.</p>" * 40)
            outbox.enqueue(letter, f"to{number}@example.com", user_id=None)
        db.session.commit()


def measure(settings: dict[str, str], mails: int, workers: int) -> str:
    """Deliver mails, and return a line with their number per second and the CPU time of each."""
    pipes = [multiprocessing.Pipe() for _ in range(workers)]
    processes = [multiprocessing.Process(target=work, args=(settings, theirs), daemon=True) for _, theirs in pipes]
    for process in processes:
        process.start()
    for ours, _ in pipes:
        ours.recv()
    wall = time.perf_counter()
    for ours, _ in pipes:
        ours.send("start")
    cpu = sum(ours.recv() for ours, _ in pipes)
    wall = time.perf_counter() - wall
    for process in processes:
        process.join()
    return f"{workers} workers {mails / wall:6.0f} mails/s   {1000 * cpu / mails:5.2f} ms of CPU per mail"


def main() -> None:
    """Measure each number of workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mails", type=int, nargs="?", default=1000)
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--reply-seconds", type=float, default=0.0)
    wanted = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.Process(target=serve, args=(theirs, wanted.reply_seconds), daemon=True)
    sink.start()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        url = wanted.url
        if url == "postgresql":
            server = PostgresServer()
            stack.callback(server.close)
            server.start()
            server.prepare(lambda _: None)
            url = server.create_database()
        settings = {"INSTANCE_DIR": name, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(ours.recv())}
        settings |= {"CMS_ENV": "development", "DATABASE_URL": url, "MAIL_DELIVERY": "worker"}
        app = create_app(settings)
        with app.app_context():
            db.create_all()
        for workers in map(int, wanted.workers.split(",")):
            enqueue(app, wanted.mails)
            print(measure(settings, wanted.mails, workers))  # noqa: T201
        with app.app_context():
            db.engine.dispose()
    sink.kill()


if __name__ == "__main__":
    main()
