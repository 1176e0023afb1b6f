"""Checks that what graft fetched from a hub is found by huggingface_hub, and the other way round.

usage: check_hub.py GRAFT MODEL    MODEL is a directory with config.json, model.safetensors and what belongs to it.

Serves MODEL as a repository on 127.0.0.1, as the hub does: small files by git's hash, weights by SHA-256 behind a
redirect. Versions: huggingface_hub 2.4.0.
"""

import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse

graft, model = sys.argv[1], pathlib.Path(sys.argv[2])
COMMIT = "0123456789" * 4
files = {str(p.relative_to(model)): p.read_bytes() for p in model.rglob("*") if p.is_file()}
large = {name for name in files if name.endswith(".safetensors")}
files["tf_model.h5"] = b"not needed"
requests = []


def blob_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def entry(name):
    data = files[name]
    lfs = {"sha256": sha256(data), "oid": sha256(data), "size": len(data), "pointerSize": 134}
    return {"size": len(data)} | ({"lfs": lfs} if name in large else {})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, headers, body=b""):
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        requests.append(f"{self.command} {self.path}")
        path = urllib.parse.unquote(self.path.split("?")[0])
        text = {"Content-Type": "application/json"}
        if path.startswith("/api/models/org/name/revision/") or path == "/api/models/org/name":
            siblings = [{"rfilename": n, "blobId": blob_id(files[n])} | entry(n) for n in sorted(files)]
            self.reply(200, text, json.dumps({"id": "org/name", "sha": COMMIT, "siblings": siblings}).encode())
        elif path.startswith(f"/api/models/org/name/tree/{COMMIT}"):
            tree = [{"type": "file", "path": n, "oid": blob_id(files[n])} | entry(n) for n in sorted(files)]
            self.reply(200, text, json.dumps(tree).encode())
        elif path.startswith("/storage/"):
            self.reply(200, {}, files[path.removeprefix("/storage/")])
        elif path.startswith("/org/name/resolve/"):
            name = path.removeprefix("/org/name/resolve/").split("/", 1)[1]
            if name not in files:
                self.reply(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            elif name in large:
                data = files[name]
                self.reply(302, {
                    "X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data)),
                    "Location": f"http://localhost:{server.server_address[1]}/storage/{name}"})
            else:
                self.reply(200, {"X-Repo-Commit": COMMIT, "ETag": f'"{blob_id(files[name])}"'}, files[name])
        else:
            self.reply(404, {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
work = tempfile.TemporaryDirectory()
os.environ |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}", "NO_PROXY": "127.0.0.1,localhost"}
os.environ.pop("HF_HUB_OFFLINE", None)
import huggingface_hub as hub  # noqa: E402  (reads the environment)


def run(cache, *arguments, **environment):
    environment = os.environ | {"HF_HUB_CACHE": cache} | environment
    return subprocess.run(
        [graft, *arguments], env=environment, check=True, input="a good film\n", capture_output=True, text=True).stdout


# What graft fetched, Python finds without a request.
cache = work.name + "/graft"
path = run(cache, "fetch", "org/name").strip()
run(cache, "fetch", "org/name", "--revision", "v1.0")
assert "tf_model.h5" not in os.listdir(path), path
assert [r for r in requests if "/storage/" in r] == ["GET /storage/model.safetensors"], requests
requests.clear()
assert hub.snapshot_download("org/name", cache_dir=cache, local_files_only=True) == path
assert hub.snapshot_download("org/name", revision="v1.0", cache_dir=cache, local_files_only=True) == path
for name in ["config.json", "model.safetensors"]:
    found = hub.try_to_load_from_cache("org/name", name, cache_dir=cache)
    assert found == f"{path}/{name}", found
    assert pathlib.Path(found).read_bytes() == files[name]
assert hub.try_to_load_from_cache("org/name", "adapter_config.json", cache_dir=cache) is hub._CACHED_NO_EXIST
assert requests == [], requests
# Online, huggingface_hub has nothing left to download either, and finds the cache in order.
for file in sorted(p for p in pathlib.Path(path).rglob("*") if p.is_file()):
    hub.hf_hub_download("org/name", str(file.relative_to(path)), cache_dir=cache)
assert not [r for r in requests if r.startswith(("GET /org", "GET /storage"))], requests
report = hub.scan_cache_dir(cache)
assert not report.warnings, report.warnings
(repository,) = report.repos
assert {ref for revision in repository.revisions for ref in revision.refs} == {"main", "v1.0"}

# What Python downloaded, graft finds without a request.
cache = work.name + "/python"
path = hub.snapshot_download("org/name", cache_dir=cache)
requests.clear()
assert run(cache, "fetch", "org/name").strip() == path
assert run(cache, "embed", "org/name").strip()
assert run(cache, "embed", "name@main", HF_HUB_OFFLINE="1") == run(cache, "embed", path)
assert requests == [], requests

# A download that Python broke off is completed.
os.remove(path + "/model.safetensors")
assert run(cache, "fetch", "org/name").strip() == path
assert pathlib.Path(path + "/model.safetensors").read_bytes() == files["model.safetensors"]
print("hub: graft and huggingface_hub find each other's downloads")
