"""A small OpenID Connect issuer on loopback, which checks what it is sent as a real one does."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "fundwatch", "canary-of-the-client-secret"


@dataclass
class Issuer:
    """Signs in whoever `claims` says, without asking. `lies`: what it says otherwise than it
    should."""

    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    stolen: RSAKey | None = None  # signs with a key that it does not publish

    def __enter__(self) -> Issuer:
        self._key = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
        self._codes: dict[str, dict[str, str]] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.get(self)

            def do_POST(self) -> None:
                issuer.post(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def get(self, ask: BaseHTTPRequestHandler) -> None:
        split = urlsplit(ask.path)
        if split.path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
            said = {"issuer": self.url, **{k: f"{self.url}/{v}" for k, v in ends.items()}}
            return _send(ask, said)
        if split.path == "/keys":
            return _send(ask, {"keys": [self._key.as_dict(private=False)]})
        assert split.path == "/auth", split.path
        form = {key: value[0] for key, value in parse_qs(split.query).items()}
        self.asked.append(form)
        assert (form["response_type"], form["client_id"]) == ("code", CLIENT)
        assert form["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = form
        back = {"code": code, "state": self.lies.get("state", form["state"])}
        ask.send_response(302)
        ask.send_header("Location", f"{form['redirect_uri']}?{urlencode(back)}")
        ask.end_headers()
        return None

    def post(self, ask: BaseHTTPRequestHandler) -> None:
        body = ask.rfile.read(int(ask.headers["Content-Length"])).decode()
        form = {key: value[0] for key, value in parse_qs(body).items()}
        basic = base64.b64decode(ask.headers["Authorization"].removeprefix("Basic ")).decode()
        begun = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        good = basic == f"{CLIENT}:{SECRET}" and begun and begun["code_challenge"] == challenge
        if not good or not begun or form["redirect_uri"] != begun["redirect_uri"]:
            return _send(ask, {"error": "invalid_grant"}, 400)
        at = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "exp": at + 300, "iat": at, "auth_time": at,
            "nonce": begun["nonce"], **self.claims, **self.lies,
        }  # fmt: skip
        claims.pop("state", None)
        word = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.stolen or self._key)
        return _send(ask, {"access_token": "x", "token_type": "Bearer", "id_token": word})


def _send(ask: BaseHTTPRequestHandler, said: object, status: int = 200) -> None:
    body = json.dumps(said).encode()
    ask.send_response(status)
    ask.send_header("Content-Type", "application/json")
    ask.send_header("Content-Length", str(len(body)))
    ask.end_headers()
    ask.wfile.write(body)
