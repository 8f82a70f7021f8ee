#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>

#include "commands.hpp"
#include "flags.hpp"
#include "process.hpp"

namespace {

const char READWRITE[] = "mesos-agent-readwrite";
const char READONLY[] = "mesos-agent-readonly";

// What a master detector, a containerizer ... of this agent are built from and become part of.
struct Parts
{
  string id;
  void* flags;
  void* fetcher;
  void* collector;
  void* secretResolver;
  void* secretGenerator;
  void* containerizer;
  void* detector;
  void* files;
  void* updates;
  void* estimator;
  void* qos;
  Opt<std::shared_ptr<void>> executorSocket;
  OptPointer authorizer;
};

string generateId()
{
  Room room;
  const string kind = "slave";
  call<void, void*, const string*>("_ZN7process2ID8generateERK" STRING_, &room, &kind);
  return room.at<string>(0);
}

void* createFetcher(void* flags)
{
  void* fetcher = block();
  call<void, void*, void*>("_ZN5mesos8internal5slave7FetcherC1ERKNS1_5FlagsE", fetcher, flags);
  return fetcher;
}

void* createCollector()
{
  void* collector = block();
  const string workDir = flag("work_dir");
  call<void, void*, const string*>(
      "_ZN5mesos8internal5slave16GarbageCollectorC1ERK" STRING_, collector, &workDir);
  return collector;
}

// A part that a function makes from the name of a module, here always the built-in one.
void* createDefault(const char* name, const OptString& module, const char* what)
{
  Room room;
  call<void, void*, const OptString*>(name, &room, &module);
  return pointer(room, what);
}

void* createSecretGenerator()
{
  string keyFile;
  if (!given("jwt_secret_key", &keyFile)) return nullptr;
  if (keyFile.compare(0, 7, "file://") == 0) keyFile = keyFile.substr(7);
  const string key = readFile(keyFile);
  void* generator = block();
  call<void, void*, const string*>(
      "_ZN5mesos14authentication8executor18JWTSecretGeneratorC1ERK" STRING_, generator, &key);
  return generator;
}

// The socket in a file that executors are told of (1.10 and newer), opened here and handed over.
Opt<std::shared_ptr<void>> createExecutorSocket()
{
  string path;
  if (!given("domain_socket_location", &path)) return {};
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) die("--domain_socket_location is too long");
  path.copy(address.sun_path, path.size());
  unlink(path.c_str());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0666) != 0) {
    die("cannot bind " + path);
  }
  Room room;
  const int poll = 0;
  call<void, void*, int, int>(
      "_ZN7process7network8internal10SocketImpl6createEiNS2_4KindE", &room, descriptor, poll);
  if (room.failed()) die("no socket");
  return Opt<std::shared_ptr<void>>(room.at<std::shared_ptr<void>>(8));
}

// The signatures below grew with the releases: the newest that the library has is called.

void* createContainerizer(const Parts& p)
{
  const char V1_11[] =
    "_ZN5mesos8internal5slave13Containerizer6createERKNS1_5FlagsEbPNS1_7Fetch"
    "erEPNS1_16GarbageCollectorEPNS_14SecretResolverEPNS1_16VolumeGidManagerEPN"
    "S0_20PendingFutureTrackerEPNS1_9CSIServerE";
  const char V1_10[] =
    "_ZN5mesos8internal5slave13Containerizer6createERKNS1_5FlagsEbPNS1_7Fetch"
    "erEPNS1_16GarbageCollectorEPNS_14SecretResolverEPNS1_16VolumeGidManagerEPN"
    "S0_20PendingFutureTrackerE";
  const char V1_4[] =
    "_ZN5mesos8internal5slave13Containerizer6createERKNS1_5FlagsEbPNS1_7Fetch"
    "erEPNS_14SecretResolverE";
  Room room;
  void* null = nullptr;
  if (has(V1_11)) {
    call<void, void*, void*, bool, void*, void*, void*, void*, void*, void*>(
        V1_11, &room, p.flags, false, p.fetcher, p.collector, p.secretResolver, null, null, null);
  } else if (has(V1_10)) {
    call<void, void*, void*, bool, void*, void*, void*, void*, void*>(
        V1_10, &room, p.flags, false, p.fetcher, p.collector, p.secretResolver, null, null);
  } else {
    call<void, void*, void*, bool, void*, void*>(
        V1_4, &room, p.flags, false, p.fetcher, p.secretResolver);
  }
  return pointer(room, "containerizer");
}

void* createUpdateManager(void* flags)
{
  const char NEW[] = "_ZN5mesos8internal5slave23TaskStatusUpdateManagerC1ERKNS1_5FlagsE";
  const char OLD[] = "_ZN5mesos8internal5slave19StatusUpdateManagerC1ERKNS1_5FlagsE";
  void* updates = block();
  call<void, void*, void*>(has(NEW) ? NEW : OLD, updates, flags);
  return updates;
}

#define AGENT_ \
  "_ZN5mesos8internal5slave5SlaveC1ERK" STRING_ "RKNS1_5FlagsEPNS_6master8d" \
  "etector14MasterDetectorEPNS1_13ContainerizerEPNS0_5FilesEPNS1_16GarbageCol" \
  "lectorEPNS1_"

void* createAgent(const Parts& p)
{
  const char V1_11[] = AGENT_
    "23TaskStatusUpdateManagerEPNS_5slave17ResourceEstimatorEPNSQ_13QoSControl"
    "lerEPNS_15SecretGeneratorEPNS1_16VolumeGidManagerEPNS0_20PendingFutureTrac"
    "kerEON7process5OwnedINS1_9CSIServerEEERK6OptionINS11_7network8internal6Soc"
    "ketINS17_4unix7AddressEEEERKS16_IPNS_10AuthorizerEE";
  const char V1_10[] = AGENT_
    "23TaskStatusUpdateManagerEPNS_5slave17ResourceEstimatorEPNSQ_13QoSControl"
    "lerEPNS_15SecretGeneratorEPNS1_16VolumeGidManagerEPNS0_20PendingFutureTrac"
    "kerERK6OptionIN7process7network8internal6SocketINS13_4unix7AddressEEEERKS1"
    "1_IPNS_10AuthorizerEE";
  const char V1_4[] = AGENT_
    "19StatusUpdateManagerEPNS_5slave17ResourceEstimatorEPNSQ_13QoSControllerE"
    "RK6OptionIPNS_10AuthorizerEE";
  void* agent = block(1 << 17);
  void* null = nullptr;
  Room noCsiServer;  // a null process::Owned
  if (has(V1_11)) {
    call<void, void*, const string*, void*, void*, void*, void*, void*, void*,
         void*, void*, void*, void*, void*, void*, const void*, const void*>(
        V1_11, agent, &p.id, p.flags, p.detector, p.containerizer, p.files, p.collector, p.updates,
        p.estimator, p.qos, p.secretGenerator, null, null, &noCsiServer, &p.executorSocket, &p.authorizer);
  } else if (has(V1_10)) {
    call<void, void*, const string*, void*, void*, void*, void*, void*, void*,
         void*, void*, void*, void*, void*, const void*, const void*>(
        V1_10, agent, &p.id, p.flags, p.detector, p.containerizer, p.files, p.collector, p.updates,
        p.estimator, p.qos, p.secretGenerator, null, null, &p.executorSocket, &p.authorizer);
  } else {
    call<void, void*, const string*, void*, void*, void*, void*, void*, void*,
         void*, void*, const void*>(
        V1_4, agent, &p.id, p.flags, p.detector, p.containerizer, p.files, p.collector, p.updates,
        p.estimator, p.qos, &p.authorizer);
  }
  return agent;
}

}  // namespace

int runAgent()
{
  Parts parts;
  parts.flags = daemonFlags("_ZN5mesos8internal5slave5FlagsC1Ev", "mesos-agent");
  const OptString master = urlFlag("master");
  if (master.state != 0) die("--master is needed");
  parts.id = generateId();
  startLibprocess("5051", parts.id, READWRITE, READONLY);
  spawnVersionEndpoint();

  const OptString none;
  parts.fetcher = createFetcher(parts.flags);
  parts.collector = createCollector();
  parts.secretResolver = createDefault(
      "_ZN5mesos14SecretResolver6createERK6OptionI" STRING_ "E",
      optFlag("secret_resolver"), "secret resolver");
  parts.secretGenerator = createSecretGenerator();
  parts.containerizer = createContainerizer(parts);
  parts.detector = createDetector(master);
  parts.executorSocket = createExecutorSocket();
  parts.authorizer = createAuthorizer(parts.flags);
  parts.files = createFiles(READONLY, parts.authorizer);
  parts.updates = createUpdateManager(parts.flags);
  parts.estimator = createDefault(
      "_ZN5mesos5slave17ResourceEstimator6createERK6OptionI" STRING_ "E",
      none, "resource estimator");
  parts.qos = createDefault(
      "_ZN5mesos5slave13QoSController6createERK6OptionI" STRING_ "E", none, "QoS controller");

  Room upid;
  spawn(createAgent(parts), false, &upid);
  waitFor(&upid);
  return 0;
}
