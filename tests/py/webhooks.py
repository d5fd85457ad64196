"""A receiver of webhooks that checks them with libraries of others.

`webhooks.py PORT SECRET ANSWER...` listens on 127.0.0.1 and prints one line of JSON for each request. Each ANSWER is a
status, `hang` (no answer until the other side goes) or `reset` (the connection is closed); the last one is repeated.
"""

import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook

PORT, SECRET, ANSWERS = int(sys.argv[1]), sys.argv[2], sys.argv[3:]


def say(what):
    print(json.dumps(what), flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            Webhook(SECRET).verify(body, headers)
            verified = True
        except Exception as error:
            verified = str(error)
        event = from_http(HTTPMessage(headers={"content-type": headers["content-type"]}, body=body), JSONFormat(), CloudEvent)
        answer = ANSWERS.pop(0) if len(ANSWERS) > 1 else ANSWERS[0]
        say({
            "path": self.path,
            "webhook_id": headers["webhook-id"],
            "verified": verified,
            "id": event.get_id(),
            "type": event.get_type(),
            "source": event.get_source(),
            "subject": event.get_subject(),
            "time": event.get_time().isoformat(),
            "data": event.get_data(),
            "answer": answer,
        })
        if answer == "hang":
            self.connection.settimeout(60)
            self.connection.recv(1)
            self.close_connection = True
        elif answer == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif answer == "endless":
            self.send_response(500)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
        else:
            self.send_response(int(answer))
            if answer == "302":
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

    def do_GET(self):
        say({"path": self.path, "method": "GET"})
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
say({"port": server.server_address[1]})
server.serve_forever()
