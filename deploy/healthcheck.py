"""The health check of a web container: exits with 0 if the process on this port responds."""

import http.client
import os
import sys
from urllib.parse import urlsplit

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
connection.request("GET", "/healthz", headers={"Host": urlsplit(os.environ["SITE_URL"]).netloc})
sys.exit(connection.getresponse().status != 200)
