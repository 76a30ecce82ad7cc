"""A replica in a bucket, as the cases of the main job use one in a directory."""

import os
import shutil
import urllib.parse

from .s3_client import Client


class S3Replica:
    """`url` and `environment` are what a user would give; the rest looks at what is stored.

    `via` is the address that walwrap is told, a proxy's perhaps; `client` asks the server itself.
    """

    def __init__(self, server, bucket, prefix="app", via=None):
        self.server, self.prefix = server, prefix
        self.client = Client(server.address, server.KEY_ID, server.SECRET, bucket, server.ca_file)
        scheme = "https" if server.ca_file and via is None else "http"
        endpoint = "%s://%s" % (scheme, via or server.address)
        self.url = "s3://%s/%s?endpoint=%s" % (bucket, prefix,
                                               urllib.parse.quote(endpoint, safe=""))
        # Not what this machine is set up with for another purpose.
        self.environment = {name: "" for name in os.environ if name.startswith("AWS_")}
        self.environment |= {"AWS_ACCESS_KEY_ID": server.KEY_ID,
                             "AWS_SECRET_ACCESS_KEY": server.SECRET,
                             "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        if server.ca_file:
            self.environment["AWS_CA_BUNDLE"] = str(server.ca_file)

    def at(self, via=None):
        """The same one at another address: its server's own, if none is given."""
        return S3Replica(self.server, self.client.bucket, self.prefix, via)

    def stored(self):
        """Key below the prefix -> (size, etag, modified): what two moments are compared by."""
        start = self.prefix + "/"
        return {key[len(start):]: facts for key, facts in self.client.list(start).items()}

    def download(self, directory):
        """All of it, in the layout that a directory has: 0000/<name> becomes ltx/0/<name>."""
        shutil.rmtree(directory, ignore_errors=True)
        for key in self.stored():
            level, _, name = key.partition("/")
            is_ltx = len(level) == 4 and level.isdigit()
            path = directory / ("ltx/%d/%s" % (int(level), name) if is_ltx else key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.client.get("%s/%s" % (self.prefix, key)))
        return directory
