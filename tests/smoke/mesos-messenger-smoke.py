"""Two messengers talk, alone in an environment."""

import threading

from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import Messenger

done = threading.Event()
answers = []


def answer(sender, message):
    answers.append(message.value)
    done.set()


with Messenger("a", bind="127.0.0.1:0") as a, Messenger("b", bind="127.0.0.1:0") as b:
    a.install(StringValue, answer)
    b.install(StringValue, lambda sender, message: b.send(sender, StringValue(value=message.value + "!")))
    a.send(b.upid, StringValue(value="hello"))
    assert done.wait(30)

assert answers == ["hello!"], answers
print("messages go there and back")
