"""Serves a folder with the HLS recording of live.sh and a page that plays it.

    live_page.py FOLDER PORT

A browser's screenshot is taken when the page has loaded: /wait is a picture that takes its time to come.
"""

import functools
import http.server
import sys
import time

PAGE = b"""<!doctype html><title>cdsr live</title><body style="margin:0;background:#000;color:#fff;font:16px sans-serif">
<video id="v" src="index.m3u8" muted autoplay playsinline width="960" height="540"></video>
<div id="t">loading</div><img src="wait" width="1" height="1" alt="">
<script>
  const v = document.getElementById('v'), t = document.getElementById('t');
  const say = () => t.textContent =
    `${v.videoWidth}x${v.videoHeight} at ${v.currentTime.toFixed(2)} s ${v.error ? v.error.message : ''}`;
  for (const e of ['timeupdate', 'error', 'loadeddata']) v.addEventListener(e, say);
</script>
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/wait":
            time.sleep(8)
            self.send_error(404)
        elif self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)
        else:
            super().do_GET()


if __name__ == "__main__":
    handler = functools.partial(Handler, directory=sys.argv[1])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
