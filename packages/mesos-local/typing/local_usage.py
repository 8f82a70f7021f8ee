"""How the embedded cluster is used, for the type checker."""

from mesos_auth import Credential
from mesos_local import ClusterError, LocalCluster, MasterSettings
from mesos_proto.v0.messages_pb2 import StatusUpdateMessage


def run(cluster: LocalCluster) -> str:
    address: str = cluster.master_address
    page: str = cluster.web_url
    for agent in cluster.agents:
        pid: str = agent.pid
        running: bool = agent.running
        print(pid, running, [executor.os_pid for executor in agent.executors])
    return address + page + str(cluster.work_dir)


def harm(cluster: LocalCluster) -> None:
    cluster.master.pause()
    cluster.master.resume()
    cluster.master.restart()
    cluster.agents[0].crash()
    cluster.agents[0].start()


def fail(cluster: LocalCluster) -> int:
    with cluster.faults.cut(cluster.agents[0], cluster.master, silent=True):
        pass
    fault = cluster.faults.drop(StatusUpdateMessage, nth=2, source="executor", target=cluster.agents[0])
    with fault as same:
        same.wait(timeout=1.0)
    old = cluster.faults.expire_leadership()
    cluster.wait_leader(other_than=old)
    return fault.hits


async def asynchronously() -> str:
    async with LocalCluster(masters=3, zk="zk://127.0.0.1:2181/mesos") as cluster:
        return cluster.master_address


def main() -> None:
    settings = MasterSettings(authenticate_frameworks=True, allocation_interval=0.1, offer_timeout=30.0)
    credentials = [Credential("principal", "secret")]
    try:
        with LocalCluster(
            2, resources="cpus:4;mem:1024", master=settings, credentials=credentials
        ) as cluster:
            print(run(cluster))
            harm(cluster)
    except ClusterError as error:
        print(error)
