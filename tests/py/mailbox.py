"""A mail server that prints one line of JSON for each message it takes.

`mailbox.py PORT REFUSED...` listens on 127.0.0.1; recipients among REFUSED are turned away for good.
"""

import email
import email.policy
import json
import socket
import sys
import threading

from aiosmtpd.controller import Controller

PORT, REFUSED = int(sys.argv[1]), set(sys.argv[2:])


def say(what):
    print(json.dumps(what), flush=True)


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in REFUSED:
            return "550 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say({
            "to": envelope.rcpt_tos,
            "from": envelope.mail_from,
            "subject": message["subject"],
            "message_id": message["message-id"],
            "auto_submitted": message["auto-submitted"],
            "text": message.get_content(),
        })
        return "250 OK"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


port = PORT or free_port()
Controller(Mailbox(), hostname="127.0.0.1", port=port).start()
say({"port": port})
threading.Event().wait()
