"""mesos-local alone: a cluster starts, answers over HTTP, and leaves no thread behind."""

import json
import threading
import urllib.request

from mesos_local import LocalCluster

with LocalCluster(agents=1) as cluster:
    with urllib.request.urlopen(f"http://{cluster.master_address}/state", timeout=30) as answer:
        state = json.load(answer)
assert len(state["slaves"]) == 1, state
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
print("mesos-local: works")
