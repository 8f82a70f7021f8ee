#include <stdlib.h>

#include <memory>
#include <set>

#include "commands.hpp"
#include "flags.hpp"
#include "process.hpp"

namespace {

const char READWRITE[] = "mesos-master-readwrite";
const char READONLY[] = "mesos-master-readonly";
const size_t MASTER_SIZE = 1 << 16;

// The replicated log of one master alone.
void createLoneLog(void* log, const string& path, bool initialize, const OptString& prefix)
{
  std::set<void*> noPeers;  // stands for an empty std::set<UPID>
  call<void, void*, int, const string*, const void*, bool, const OptString*>(
      "_ZN5mesos3log3LogC1EiRK" STRING_ "RKSt3setIN7process4UPIDESt4lessISC_ES"
      "aISC_EEbRK6OptionIS7_E",
      log, 1, &path, &noPeers, initialize, &prefix);
}

// The replicated log with replicas found through zk://[user:password@]host:port,.../path
void createSharedLog(
    void* log, const string& path, bool initialize, const OptString& prefix, string url)
{
  if (url.compare(0, 5, "zk://") != 0) die("bad --zk");
  url = url.substr(5);
  const size_t slash = url.find('/');
  string servers = url.substr(0, slash);
  const string node = slash == string::npos ? "/" : url.substr(slash);
  Opt<Authentication> authentication;
  const size_t at = servers.find('@');
  if (at != string::npos) {
    authentication = Opt<Authentication>(Authentication{"digest", servers.substr(0, at)});
    servers = servers.substr(at + 1);
  }
  const string replicas = node + (node.back() == '/' ? "" : "/") + "log_replicas";
  const Duration timeout = duration("zk_session_timeout", "10secs");
  const string quorum = flag("quorum");
  if (quorum.empty()) die("--quorum is needed with --zk and the replicated log");
  call<void, void*, int, const string*, const string*, const Duration*,
       const string*, const Opt<Authentication>*, bool, const OptString*>(
      "_ZN5mesos3log3LogC1EiRK" STRING_ "S9_RK8DurationS9_RK6OptionIN9zookeeper"
      "14AuthenticationEEbRKSD_IS7_E",
      log, atoi(quorum.c_str()), &path, &servers, &timeout,
      &replicas, &authentication, initialize, &prefix);
}

void* createLog(const OptString& zk)
{
  const string workDir = flag("work_dir");
  if (workDir.empty()) die("--work_dir is needed");
  makeDirectories(workDir);
  const string path = workDir + "/replicated_log";
  const bool initialize = truth(flag("log_auto_initialize", "true"));
  const OptString prefix(string("registrar/"));
  void* log = block();
  if (zk.state != 0) {
    createLoneLog(log, path, initialize, prefix);
  } else {
    createSharedLog(log, path, initialize, prefix, *reinterpret_cast<const string*>(zk.raw));
  }
  return log;
}

void* createRegistrar(void* flags, const OptString& zk)
{
  void* storage = block();
  if (flag("registry", "replicated_log") == "in_memory") {
    call<void, void*>("_ZN5mesos5state15InMemoryStorageC1Ev", storage);
  } else {
    call<void, void*, void*, size_t>(
        "_ZN5mesos5state10LogStorageC1EPNS_3log3LogEm", storage, createLog(zk), 0);
  }

  // A State is no more than its vtable pointer and its storage.
  void** state = static_cast<void**>(block());
  setVtable(state, "_ZTVN5mesos5state8protobuf5StateE");
  state[1] = storage;

  void* registrar = block();
  OptString realm{string(READONLY)};
  call<void, void*, void*, void*, const OptString*>(
      "_ZN5mesos8internal6master9RegistrarC1ERKNS1_5FlagsEPNS_5state5StateERK6"
      "OptionI" STRING_ "E", registrar, flags, state, &realm);
  return registrar;
}

// Up to 1.7 a function makes the allocator, later releases export its constructor.
void* createAllocator()
{
  const char CONSTRUCTOR[] =
    "_ZN5mesos8internal6master9allocator14MesosAllocatorINS2_28HierarchicalAl"
    "locatorProcessINS2_9DRFSorterES5_EEEC1Ev";
  if (has(CONSTRUCTOR)) {
    void* allocator = block();
    call<void, void*>(CONSTRUCTOR, allocator);
    return allocator;
  }
  Room room;
  call<void, void*>(
      "_ZN5mesos8internal6master9allocator14MesosAllocatorINS2_28HierarchicalAl"
      "locatorProcessINS2_9DRFSorterES5_S5_EEE6createEv", &room);
  return pointer(room, "allocator");
}

// Without an election somebody must tell the standalone detector that this master leads.
void appoint(void* master, void* detector)
{
  void* info = findMember(master, MASTER_SIZE, "_ZTVN5mesos10MasterInfoE");
  if (info == nullptr) die("no MasterInfo in the master");
  char* leader = static_cast<char*>(block());  // Option<MasterInfo>, set
  call<void, void*, void*>("_ZN5mesos10MasterInfoC1ERKS0_", leader + 8, info);
  call<void, void*, void*>(
      "_ZN5mesos6master8detector24StandaloneMasterDetector7appointERK6OptionIN"
      "S_10MasterInfoEE", detector, leader);
}

}  // namespace

int runMaster()
{
  void* flags = daemonFlags("_ZN5mesos8internal6master5FlagsC1Ev", "mesos-master");
  startLibprocess("5050", "master", READWRITE, READONLY);
  spawnVersionEndpoint();

  void* allocator = createAllocator();
  const OptString zk = urlFlag("zk");
  void* registrar = createRegistrar(flags, zk);
  void* contender = createContender(zk);
  void* detector = createDetector(zk);
  const OptPointer authorizer = createAuthorizer(flags);
  void* files = createFiles(READONLY, authorizer);

  void* master = block(MASTER_SIZE);
  Opt<std::shared_ptr<void>> noLimiter;
  call<void, void*, void*, void*, void*, void*, void*, const void*, const void*, void*>(
      "_ZN5mesos8internal6master6MasterC1EPNS_9allocator9AllocatorEPNS1_9Registr"
      "arEPNS0_5FilesEPNS_6master9contender15MasterContenderEPNSA_8detector14Mast"
      "erDetectorERK6OptionIPNS_10AuthorizerEERKSH_ISt10shared_ptrIN7process11Rat"
      "eLimiterEEERKNS1_5FlagsE",
      master, allocator, registrar, files, contender, detector,
      &authorizer, &noLimiter, flags);
  if (zk.state != 0) appoint(master, detector);

  Room upid;
  spawn(master, false, &upid);
  waitFor(&upid);  // ends by a signal, as mesos-master does
  return 0;
}
