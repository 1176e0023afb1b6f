"""Reads event files that `graft finetune` wrote with TensorBoard's own reader, and compares them with metrics.jsonl.

    python Tests/Golden/check_tensorboard.py reviews/            # a finished directory: runs/ and metrics.jsonl
    python Tests/Golden/check_tensorboard.py --bytes             # what TensorBoardLogTests expects, by its own writer

Needs tensorboard (2.20 made the golden).
"""

import json
import struct
import sys
from pathlib import Path


def events_of_the_test():
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary

    def scalars(step, **values):
        summary = Summary(value=[Summary.Value(tag=tag.replace("__", "/"), simple_value=value) for tag, value in values.items()])
        return Event(wall_time=time, step=step, summary=summary)

    time = 1_700_000_000.5
    yield Event(wall_time=time, file_version="brain.Event:2")
    yield Event(wall_time=time, step=7, session_log=SessionLog(status=SessionLog.START))
    yield scalars(7, train__loss=0.25, train__learning_rate=3e-5, train__epoch=1)
    yield scalars(300, train__epoch_loss=0.5, eval__accuracy=0.875, eval__macro_f1=1)


def record(content):
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked_crc32c(length)) + content + struct.pack("<I", masked_crc32c(content))


def check(directory):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    accumulator = EventAccumulator(str(directory / "runs"), size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]

    def compare(tag, expected):
        found = [(event.step, event.value) for event in accumulator.Scalars(tag)]
        single = [(step, struct.unpack("<f", struct.pack("<f", value))[0]) for step, value in expected]
        assert found == single, f"{tag}: {found[:3]} … {len(found)}, expected {single[:3]} … {len(single)}"
        print(f"{tag}: {len(found)} values")

    steps = [line for line in lines if line["kind"] == "step"]
    compare("train/loss", [(line["step"], line["loss"]) for line in steps])
    if "learningRate" in steps[0]:
        compare("train/learning_rate", [(line["step"], line["learningRate"]) for line in steps])
    evaluations = [line for line in lines if line["kind"] == "evaluation"]
    for name in evaluations[0]["dev"].keys() - {"examples"}:
        tag = "eval/" + "".join("_" + c.lower() if c.isupper() else c for c in name)
        if isinstance(evaluations[0]["dev"][name], (int, float)):
            compare(tag, [(line["step"], line["dev"][name]) for line in evaluations])
            tags.remove(tag)
    print("others:", ", ".join(tag for tag in tags if not tag.startswith("train/loss")))


if sys.argv[1] == "--bytes":
    print(b"".join(record(event.SerializeToString()) for event in events_of_the_test()).hex())
else:
    check(Path(sys.argv[1]))
