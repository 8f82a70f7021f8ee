"""How the embedded cluster is used, for the type checker."""

from mesos_auth import Credential
from mesos_local import ClusterError, LocalCluster, MasterSettings


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
