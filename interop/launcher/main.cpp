// Starts a real Apache Mesos master or agent, or one of the agent's helpers, out of the shared
// library that `realmesos/elf.py` makes from the PyPI package mesos.scheduler.
//
//   realmesos master --port=5050 --work_dir=DIR ...   (all mesos-master flags)
//   realmesos agent  --master=127.0.0.1:5050 ...      (all mesos-agent flags)
//   realmesos scheduler MASTER ...                    (the C++ driver, see scheduler.cpp)
//   mesos-containerizer launch ...        (links to this program, by its name,
//   mesos-io-switchboard ...               for the agent's --launcher_dir)
//
// Left out: TLS, --modules, --hooks, --firewall_rules, --agent_removal_rate_limit, --authorizers
// other than "local", systemd, volume gid and CSI managers, executor domain sockets.

#include <libgen.h>
#include <limits.h>
#include <string.h>

#include "commands.hpp"
#include "flags.hpp"
#include "library.hpp"

int main(int argc, char** argv)
{
  char path[PATH_MAX + 1] = {};
  strncpy(path, argv[0], PATH_MAX);
  const string program = basename(path);
  const string mode = argc > 1 ? argv[1] : "";

  if (program == "mesos-containerizer") {
    openLibrary();
    return runContainerizer(argc, argv);
  }
  if (program == "mesos-io-switchboard") {
    flagc = argc;
    flagv = argv;
    openLibrary();
    return runSwitchboard();
  }
  flagc = argc - 1;
  flagv = argv + 1;
  if (mode == "master") {
    openLibrary();
    flagv[0] = const_cast<char*>("mesos-master");
    return runMaster();
  }
  if (mode == "agent") {
    openLibrary();
    flagv[0] = const_cast<char*>("mesos-agent");
    return runAgent();
  }
  if (mode == "scheduler") {
    openLibrary();
    return runScheduler(argc - 1, argv + 1);
  }
  die("usage: realmesos {master|agent} [--flag=value ...], or realmesos scheduler ...");
}
