"""The client's side of SCRAM (RFC 5802 section 3), written from the RFC."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode


class ScramClient:
    """One exchange.

    @param mechanism: with or without -PLUS.
    @param header: the gs2-header.
    @param binding: the data of the channel binding.
    """

    def __init__(
        self,
        mechanism: str,
        username: str,
        password: str,
        header: bytes = b"n,,",
        binding: bytes = b"",
        nonce: bytes = b"fyko+d2lbbFgONRv9qkxdawL",
    ) -> None:
        self._hash = "sha256" if "SHA-256" in mechanism else "sha1"
        self._password = password.encode()
        self._input = header + binding
        name = username.replace("=", "=3D").replace(",", "=2C").encode()
        self._bare = b"n=" + name + b",r=" + nonce
        self._nonce = nonce
        self.first = header + self._bare
        self._server_key = self._message = b""

    def final(self, challenge: bytes) -> bytes:
        match = re.fullmatch(rb"r=([^,]+),s=([^,]+),i=([0-9]+)", challenge)
        assert match is not None, challenge
        assert match[1].startswith(self._nonce)
        assert len(match[1]) > len(self._nonce)
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, b64decode(match[2]), int(match[3]))
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._hash, client_key).digest()
        self._server_key = self._hmac(salted, b"Server Key")
        without_proof = b"c=" + b64encode(self._input) + b",r=" + match[1]
        self._message = b",".join((self._bare, challenge, without_proof))
        signature = self._hmac(stored_key, self._message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + b64encode(proof)

    def is_server(self, last: bytes) -> bool:
        """Whether the server has proved that it knows the verifier."""
        return last == b"v=" + b64encode(self._hmac(self._server_key, self._message))

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._hash)
