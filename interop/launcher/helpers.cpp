// The agent's helpers that are entered through the library: mesos-containerizer (its subcommand
// `launch`) and mesos-io-switchboard.

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "commands.hpp"
#include "flags.hpp"
#include "library.hpp"

int runContainerizer(int argc, char** argv)
{
  if (argc < 2 || strcmp(argv[1], "launch") != 0) die("the only subcommand here is 'launch'");
  // Subcommand is {vtable; string name; FlagsBase}; the launcher's own flags follow. getFlags()
  // tells where their FlagsBase lies, the start of their vtable how far that is from their own start.
  char* launch = static_cast<char*>(block());
  setVtable(launch, "_ZTVN5mesos8internal5slave24MesosContainerizerLaunchE");
  new (launch + 8) string("launch");
  call<void, void*>("_ZN5flags9FlagsBaseC1Ev", launch + 40);
  char* base = static_cast<char*>(call<void*, void*>(
      "_ZN5mesos8internal5slave24MesosContainerizerLaunch8getFlagsEv", launch));
  const ptrdiff_t* vtable = static_cast<ptrdiff_t*>(
      symbol("_ZTVN5mesos8internal5slave24MesosContainerizerLaunch5FlagsE"));
  call<void, void*>(
      "_ZN5mesos8internal5slave24MesosContainerizerLaunch5FlagsC1Ev", base - vtable[0]);
  loadFlags(base, "MESOS_CONTAINERIZER_", false, argc - 1, argv + 1);
  return call<int, void*>("_ZN5mesos8internal5slave24MesosContainerizerLaunch7executeEv", launch);
}

namespace {

int wakeUp[2];

void onTerm(int) { if (write(wakeUp[1], "", 1) < 0) abort(); }

int descriptor(const char* name)
{
  const string value = flag(name);
  if (value.empty()) die(string("--") + name + " is missing");
  return atoi(value.c_str());
}

void* createSwitchboard()
{
  const string socket = flag("socket_address");
  Opt<Duration> heartbeat;
  string unused;
  if (given("heartbeat_interval", &unused)) {
    heartbeat = Opt<Duration>(duration("heartbeat_interval", ""));
  }
  Room room;
  call<void, void*, bool, int, int, int, int, int, const string*, bool, void*>(
      "_ZN5mesos8internal5slave19IOSwitchboardServer6createEbiiiiiRK" STRING_
      "b6OptionI8DurationE",
      &room, truth(flag("tty", "false")), descriptor("stdin_to_fd"),
      descriptor("stdout_from_fd"), descriptor("stdout_to_fd"),
      descriptor("stderr_from_fd"), descriptor("stderr_to_fd"), &socket,
      truth(flag("wait_for_connection", "false")), &heartbeat);
  if (room.failed()) die("switchboard: " + room.at<string>(32));
  return *room.at<void**>(8);  // an Owned<T> is a shared_ptr to a T*
}

}  // namespace

// Carries a container's input and output for ATTACH_CONTAINER_* and LAUNCH_NESTED_CONTAINER_SESSION.
int runSwitchboard()
{
  Room noFlags;
  *reinterpret_cast<int*>(noFlags.bytes) = 1;  // an Option that is not set
  startLog("mesos-io-switchboard", false, &noFlags);
  if (pipe(wakeUp) != 0) die("no pipe");
  ::signal(SIGTERM, onTerm);

  void* server = createSwitchboard();
  std::thread([server] {
    char byte;
    while (read(wakeUp[0], &byte, 1) < 0) {}
    Room future;
    call<void, void*, void*>(
        "_ZN5mesos8internal5slave19IOSwitchboardServer7unblockEv", &future, server);
  }).detach();

  Room done;
  call<void, void*, void*>(
      "_ZN5mesos8internal5slave19IOSwitchboardServer3runEv", &done, server);
  call<bool, void*, const Duration*>(
      "_ZNK7process6FutureI7NothingE5awaitERK8Duration", &done, &FOREVER);
  _exit(0);
}
