"""mesos-messenger alone: a message goes through two sockets and is answered."""

import queue

from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import UPID, Messenger

answers: "queue.Queue[tuple[UPID, StringValue]]" = queue.Queue()
with Messenger("one", bind="127.0.0.1:0") as one, Messenger("two", bind="127.0.0.1:0") as two:
    one.install(
        StringValue, lambda sender, message: one.send(sender, StringValue(value=message.value.upper()))
    )
    two.install(StringValue, lambda sender, message: answers.put((sender, message)))
    two.send(one.upid, StringValue(value="works"))
    sender, answer = answers.get(timeout=30)
assert (sender, answer.value) == (one.upid, "WORKS")
print("mesos-messenger: works")
