"""Exported graphs in a real browser, by onnxruntime-web."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from classic_fer.faces.types import make_faces
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.onnx.export import export_recognizer

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
# Where `npm install onnxruntime-web` put its packages.
NODE_MODULES = Path(os.environ.get("CLASSIC_FER_NODE_MODULES", ROOT / "node_modules"))
RUNTIME = NODE_MODULES / "onnxruntime-web" / "dist"
SECONDS = 120

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>classic_fer in the browser</title>
<pre id="shown">...</pre>
<script src="/runtime/ort.wasm.min.js"></script>
<script>
async function bytes(name) { return (await fetch(name)).arrayBuffer(); }

async function answers({ name, shape, landmarks }) {
  const options = { executionProviders: ["wasm"] };
  const session = await ort.InferenceSession.create(`${name}.onnx`, options);
  const pixels = new Uint8Array(await bytes(`${name}.faces`));
  const inputs = { faces: new ort.Tensor("uint8", pixels, shape) };
  if (landmarks) {
    const points = new Float32Array(await bytes(`${name}.landmarks`));
    inputs.landmarks = new ort.Tensor("float32", points, [shape[0], 68, 2]);
  }
  const { label, probabilities } = await session.run(inputs);
  return { name, labels: label.data, probabilities: Array.from(probabilities.data) };
}

async function main() {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/runtime/";
  const found = [];
  for (const each of await (await fetch("cases.json")).json()) found.push(await answers(each));
  return { found };
}

main().catch((error) => ({ error: String(error) })).then((told) => {
  const text = JSON.stringify(told);
  document.getElementById("shown").textContent = text;
  fetch("/told", { method: "POST", body: text });
});
</script>
"""


class Handler(SimpleHTTPRequestHandler):
    """The files of a folder, those of onnxruntime-web under /runtime/, and what the page tells."""

    extensions_map: ClassVar[dict[str, str]] = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, *args: Any, told: Queue[str], **kwargs: Any) -> None:
        self.told = told
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        if path.startswith("/runtime/"):
            return str(RUNTIME / Path(path).name)
        return super().translate_path(path)

    def do_POST(self) -> None:
        self.told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[str, Queue[str]]]:
    """Address of a server of the test's folder, and what its page posts."""
    queue: Queue[str] = Queue()
    handler = partial(Handler, told=queue, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/page.html", queue
        server.shutdown()


def noisy_faces(n: int) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(0)
    codes = np.arange(n) % 3
    waves = np.sin(np.arange(32) * (0.4 + 0.4 * codes[:, None]))[:, None, :]
    images = np.clip(128 + 60 * waves + rng.normal(0, 30, (n, 32, 32)), 0, 255).astype(np.uint8)
    landmarks = rng.uniform(2, 30, (n, 68, 2))
    landmarks[1] = np.nan
    return make_faces(images, landmarks=landmarks), np.array(["anger", "neutral", "fear"])[codes]


def put(recognizer: Recognizer, name: str, faces: NDArray, folder: Path) -> dict[str, Any]:
    """Files of one case, and its description for the page."""
    written = export_recognizer(recognizer, folder / f"{name}.onnx")
    (folder / f"{name}.faces").write_bytes(np.ascontiguousarray(faces["image"]).tobytes())
    (folder / f"{name}.landmarks").write_bytes(np.ascontiguousarray(faces["landmarks"]).tobytes())
    shape = list(faces["image"].shape)
    return {"name": name, "shape": shape, "landmarks": "landmarks" in written.inputs}


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
@pytest.mark.skipif(
    not RUNTIME.is_dir(),
    reason="no onnxruntime-web: npm install onnxruntime-web, or set CLASSIC_FER_NODE_MODULES",
)
def test_a_browser_gives_the_answers_of_python(told, tmp_path):
    address, queue = told
    faces, labels = noisy_faces(30)
    recognizers = {
        name: make_recognizer(features, clf, calibration=None).fit(faces, labels)
        for name, features, clf in (
            ("lbp-svm", "lbp", "svm"),
            ("hog-linear-svm", "hog:pca", "linear-svm"),
            ("geometry-knn", "lbp+geometry", "knn"),
        )
    }
    recognizers["hog-linear-svm"].threshold_ = 0.5
    cases = [put(each, name, faces, tmp_path) for name, each in recognizers.items()]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    (tmp_path / "page.html").write_text(PAGE)
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    browser = subprocess.Popen(
        [*(CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}"), address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        answer = json.loads(queue.get(timeout=SECONDS))
    except Empty:
        pytest.fail(f"the page told nothing within {SECONDS} s")
    finally:
        browser.terminate()
        browser.wait(20)
    assert "error" not in answer, answer["error"]
    assert [each["name"] for each in answer["found"]] == list(recognizers)
    for each, recognizer in zip(answer["found"], recognizers.values()):
        assert each["labels"] == recognizer.predict(faces).tolist()
        chances = np.reshape(each["probabilities"], (len(faces), 3))
        np.testing.assert_allclose(chances, recognizer.predict_proba(faces), atol=1e-5)
