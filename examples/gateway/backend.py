#!/usr/bin/env python3
"""A dummy backend that returns the request it got, as a WSGI application sees it: backend.py [PORT]."""

import json
import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


def backend(environ, start_response):
    """Replies to every request with its method, path, headers and body."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ["PATH_INFO"]
    query = environ["QUERY_STRING"]
    print(environ["REQUEST_METHOD"], path, environ.get("HTTP_X_USER_ID", "-"), flush=True)
    shown = {
        "method": environ["REQUEST_METHOD"],
        "path": f"{path}?{query}" if query else path,
        # WSGI's names: `X-User-Id` and `x_user_id` are both HTTP_X_USER_ID, and their values are joined by a comma.
        "headers": {name: value for name, value in environ.items() if name.startswith("HTTP_")},
        "body": body.decode(errors="replace"),
    }
    # `/status/500` replies with that status.
    status = path.rsplit("/", 1)[1] if path.startswith("/status/") else "200"
    reply = json.dumps(shown).encode()
    start_response(f"{status} -", [("Content-Type", "application/json"), ("Content-Length", str(len(reply)))])
    return [reply]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Serves each connection on a thread of its own."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Prints no log lines."""

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    server = make_server("127.0.0.1", port, backend, server_class=Server, handler_class=Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
