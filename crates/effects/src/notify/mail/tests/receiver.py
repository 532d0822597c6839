#!/usr/bin/env python3
"""Takes mail on a port of this machine, and prints each one as a line of JSON, read by Python's own parser.

    receiver.py PACKAGES [--tls | --starttls] [--login USER PASSWORD] [--certificate FILE KEY]

The first line it prints is its port. Who is written to says what it answers: 452@ and 550@ to the address, 451@ and 554@ to the mail, lost@ takes
the mail and breaks off before it says so.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

arguments = argparse.ArgumentParser()
arguments.add_argument("packages")
arguments.add_argument("--tls", action="store_true")
arguments.add_argument("--starttls", action="store_true")
arguments.add_argument("--login", nargs=2)
arguments.add_argument("--certificate", nargs=2)
options = arguments.parse_args()
sys.path.insert(0, options.packages)

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402


class Receiver:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("452@"):
            return "452 4.2.2 the mailbox is full"
        if address.startswith("550@"):
            return "550 5.1.1 nobody is called so"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        [to] = envelope.rcpt_tos
        if to.startswith("451@"):
            return "451 4.3.0 not now"
        if to.startswith("554@"):
            return "554 5.7.1 not this"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name.lower(), str(value)] for name, value in mail.items()],
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
            "text": mail.get_content().replace("\r\n", "\n").rstrip("\n"),
            "raw": envelope.content.decode("latin-1"),
            "encrypted": session.ssl is not None or options.tls,
            "authenticated": bool(session.authenticated),
        }
        print(json.dumps(told), flush=True)
        if to.startswith("lost@"):
            server.transport.abort()
        return "250 OK"


def login(server, session, envelope, mechanism, given):
    known = [part.encode() for part in options.login]
    # Not handled: who is refused is told so.
    return AuthResult(success=[given.login, given.password] == known, handled=False)


def certificate():
    if not options.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.certificate)
    return context


def session():
    return SMTP(
        Receiver(),
        hostname="localhost",
        tls_context=certificate() if options.starttls else None,
        require_starttls=options.starttls,
        authenticator=login if options.login else None,
        auth_required=bool(options.login),
        # Of a connection that is encrypted from the first byte it knows nothing.
        auth_require_tls=not options.tls,
    )


async def main():
    context = certificate() if options.tls else None
    loop = asyncio.get_running_loop()
    # Whoever does not believe the certificate hangs up: that is no error here.
    loop.set_exception_handler(lambda *_: None)
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
