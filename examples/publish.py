#!/usr/bin/env python3
# Publish ten flows: weir --listen tcp://127.0.0.1:5570, then publish.py [URL]
import json, sys, zmq

context = zmq.Context()
pub = context.socket(zmq.XPUB)
pub.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5570")
while pub.recv() != b"\x01{":  # what is sent before weir has subscribed goes nowhere
    pass
for i in range(1, 11):
    flow = {"src": "python", "dst": "s3", "op": "PUT", "kind": "http", "us": i * 1000, "err": i == 10}
    pub.send_string(json.dumps(flow))
pub.close()
context.term()  # waits until it is sent
