"""Passwords: Basic (RFC 7617) and Digest (RFC 7616, MD5, with and without qop), alike in HTTP and RTSP."""

import base64
import re
from hashlib import md5

from tests.cameras.request import Request
from tests.cameras.spec import Spec

REALM, NONCE = "simulated camera", "5f2a90c1d4e8"


def admits(spec: Spec, request: Request) -> bool:
    if spec.user is None:
        return True
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != spec.auth:
        return False
    return _basic(spec, said) if spec.auth == "basic" else _digest(spec, request, said)


def challenge(spec: Spec, qop: bool) -> str:
    """The value of `WWW-Authenticate`. RTSP cameras rarely ask for qop, web servers do."""
    if spec.auth == "basic":
        return f'Basic realm="{REALM}"'
    return f'Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5' + (', qop="auth"' if qop else "")


def _basic(spec: Spec, said: str) -> bool:
    return said == base64.b64encode(f"{spec.user}:{spec.password}".encode()).decode()


def _digest(spec: Spec, request: Request, said: str) -> bool:
    of = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', said)}
    who = _hash(f"{spec.user}:{REALM}:{spec.password}")
    what = _hash(f"{request.method}:{of.get('uri')}")
    between = [NONCE, of.get("nc", ""), of.get("cnonce", ""), "auth"] if "qop" in of else [NONCE]
    return of.get("username") == spec.user and of.get("response") == _hash(":".join([who, *between, what]))


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
