"""Asks iris and titanic by BentoML's own client. Argument: where the model server listens."""

import asyncio
import sys

import bentoml

url = f"http://{sys.argv[1]}"
row = [5.1, 3.5, 1.4, 0.2]
with bentoml.SyncHTTPClient(url, server_ready_timeout=10) as client:
    assert client.is_ready()
    found = client.predict_iris(rows=[row, row])
    assert [answer["label"] for answer in found] == ["setosa"] * 2, found
    assert client.predict_iris([row]) == found[:1]
    passenger = {"class": "first", "age": "adult", "sex": "female"}
    records = client.predict_titanic(rows=[passenger])
    columns = client.call("predict_titanic", rows={name: [text] for name, text in passenger.items()})
    assert records == columns == client.predict(rows=[passenger]), (records, columns)
    try:
        client.predict_iris(rows=[[1, 2]])
        raise SystemExit("a row that is too short was answered")
    except bentoml.exceptions.BentoMLException as error:
        assert "4" in str(error), error


async def ask():
    async with bentoml.AsyncHTTPClient(url) as client:
        return await asyncio.gather(*[client.predict_iris(rows=[row]) for _ in range(20)])


for answer in asyncio.run(ask()):
    assert answer == found[:1], answer
print("asked")
