"""Just enough of an S3 client to look at what walwrap stores, and to meddle with it.

Signature Version 4 in header form, path style, the standard library only.
"""

import datetime
import hashlib
import hmac
import http.client
import ssl
import urllib.parse
import xml.etree.ElementTree

REGION = "us-east-1"


class Refused(Exception):
    """The store did not say 2xx."""

    def __init__(self, status, body):
        super().__init__("%d %s" % (status, body[:300]))
        self.status = status


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """One bucket of one server; a connection per request, so that threads may share it."""

    def __init__(self, address, key_id, secret, bucket, ca_file=None):
        self.address, self.key_id, self.secret, self.bucket = address, key_id, secret, bucket
        self.ca_file = ca_file

    def _connection(self):
        if self.ca_file:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            return http.client.HTTPSConnection(self.address, timeout=30, context=context)
        return http.client.HTTPConnection(self.address, timeout=30)

    def _signed(self, method, path, query, headers, payload_hash):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers = {**{name.lower(): value for name, value in headers.items()},
                   "host": self.address, "x-amz-date": stamp, "x-amz-content-sha256": payload_hash}
        names = ";".join(sorted(headers))
        canonical = "\n".join([
            method, path, query,
            *("%s:%s" % (name, headers[name].strip()) for name in sorted(headers)),
            "", names, payload_hash])
        scope = "%s/%s/s3/aws4_request" % (day, REGION)
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = _hmac(("AWS4" + self.secret).encode(), day)
        for part in (REGION, "s3", "aws4_request"):
            key = _hmac(key, part)
        headers["authorization"] = (
            "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
            % (self.key_id, scope, names, hmac.new(key, text.encode(), hashlib.sha256).hexdigest()))
        return headers

    def request(self, method, key="", query=None, body=b"", headers=None):
        """(status, headers, body); Refused when it is not 2xx."""
        path = "/" + self.bucket + ("/" + urllib.parse.quote(key) if key else "")
        pairs = sorted((urllib.parse.quote(k, safe=""), urllib.parse.quote(v, safe=""))
                       for k, v in (query or {}).items())
        encoded = "&".join("%s=%s" % pair for pair in pairs)
        signed = self._signed(method, path, encoded, headers or {},
                              hashlib.sha256(body).hexdigest())
        connection = self._connection()
        try:
            connection.request(method, path + ("?" + encoded if encoded else ""), body, signed)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, content.decode(errors="replace"))
        return answer.status, dict(answer.getheaders()), content

    def create_bucket(self):
        self.request("PUT")

    def put(self, key, body):
        self.request("PUT", key, body=body)

    def get(self, key):
        return self.request("GET", key)[2]

    def delete(self, key):
        self.request("DELETE", key)

    def list(self, prefix=""):
        """Key -> (size, etag, modified)."""
        found, token = {}, None
        while True:
            query = {"list-type": "2", "prefix": prefix}
            if token:
                query["continuation-token"] = token
            root = xml.etree.ElementTree.fromstring(self.request("GET", query=query)[2])
            space = root.tag[:root.tag.index("}") + 1] if "}" in root.tag else ""
            for entry in root.findall(space + "Contents"):
                found[entry.findtext(space + "Key")] = (
                    int(entry.findtext(space + "Size")), entry.findtext(space + "ETag"),
                    entry.findtext(space + "LastModified"))
            token = root.findtext(space + "NextContinuationToken")
            if not token:
                return found
