"""Asks iris (numbers) and titanic (texts) by Triton's own client, as tensors in JSON and raw,
compressed and not. Arguments: where the model server listens, and the deck's token."""

import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

address, token = sys.argv[1:]
client = http.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready()
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]

metadata = client.get_model_metadata("iris")
names = [tensor["name"] for tensor in metadata["inputs"]]
assert [tensor["datatype"] for tensor in metadata["inputs"]] == ["FP64"] * 4, metadata
rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
answers = []
before = client.get_inference_statistics("iris")["model_stats"][0]["inference_count"]


def labels(result):
    found = result.as_numpy("label")
    return [label.decode() if isinstance(label, bytes) else label for label in found]


for raw in (True, False):
    one = http.InferInput("rows", rows.shape, "FP64")
    one.set_data_from_numpy(rows, binary_data=raw)
    each = []
    for at, name in enumerate(names):
        tensor = http.InferInput(name, [2], "FP32")
        tensor.set_data_from_numpy(rows[:, at].astype(np.float32), binary_data=raw)
        each.append(tensor)
    for inputs in ([one], each):
        for outputs in (
            None,
            [http.InferRequestedOutput(name, binary_data=raw) for name in ("label", "probabilities")],
        ):
            for packing in (None, "gzip", "deflate"):
                found = client.infer(
                    "iris", inputs, outputs=outputs, request_id="7",
                    request_compression_algorithm=packing, response_compression_algorithm=packing,
                )
                assert labels(found) == ["setosa", "virginica"], found.get_response()
                assert found.get_response()["id"] == "7"
                answers.append(found.as_numpy("probabilities"))
for answer in answers:
    assert answer.shape == (2, 3) and np.allclose(answer, answers[0], atol=1e-6), answer
    assert np.allclose(answer.sum(axis=1), 1.0)

texts = []
for tensor in client.get_model_metadata("titanic")["inputs"]:
    assert tensor["datatype"] == "BYTES", tensor
    cell = {"class": "first", "age": "adult", "sex": "female"}[tensor["name"]]
    one = http.InferInput(tensor["name"], [3], "BYTES")
    one.set_data_from_numpy(np.array([cell] * 3, dtype=object))
    texts.append(one)
assert len(set(labels(client.infer("titanic", texts)))) == 1
version = client.get_model_metadata("titanic")["versions"][0]
assert client.is_model_ready("titanic", version)
assert not client.is_model_ready("titanic", "999")
client.infer("titanic", texts, model_version=version)

wrong = http.InferInput(names[0], [2], "FP64")
wrong.set_data_from_numpy(rows[:, 0])
try:
    client.infer("iris", [wrong])
    raise SystemExit("a missing column was answered")
except InferenceServerException as error:
    assert error.status() == "400" and names[1] in error.message(), error

stats = client.get_inference_statistics("iris")["model_stats"][0]
assert stats["inference_count"] - before == 2 * len(answers), stats
served = {(entry["name"], entry["state"]) for entry in client.get_model_repository_index()}
assert served == {("iris", "READY"), ("titanic", "READY")}, served
try:
    client.unload_model("iris")
    raise SystemExit("a model was unloaded without the token")
except InferenceServerException as error:
    assert error.status() == "401", error
bearer = {"Authorization": f"Bearer {token}"}
client.unload_model("iris", headers=bearer)
assert not client.is_model_ready("iris")
client.load_model("iris", headers=bearer)
assert client.is_model_ready("iris")
print("asked", len(answers))
