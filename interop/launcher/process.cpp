#include "process.hpp"

#include <stdlib.h>

#include "flags.hpp"

void startLibprocess(
    const char* defaultPort,
    const string& delegate,
    const string& readwriteRealm,
    const string& readonlyRealm)
{
  string value;
  if (given("ip", &value)) setenv("LIBPROCESS_IP", value.c_str(), 1);
  setenv("LIBPROCESS_PORT", flag("port", defaultPort).c_str(), 1);
  if (given("advertise_ip", &value)) setenv("LIBPROCESS_ADVERTISE_IP", value.c_str(), 1);
  if (given("advertise_port", &value)) setenv("LIBPROCESS_ADVERTISE_PORT", value.c_str(), 1);
  // The library's TLS code is that of OpenSSL 1.0 and cannot run here.
  setenv("LIBPROCESS_SSL_ENABLED", "0", 1);

  OptString a(delegate), b(readwriteRealm), c(readonlyRealm);
  bool first = call<bool, const OptString*, const OptString*, const OptString*>(
      "_ZN7process10initializeERK6OptionI" STRING_ "ES9_S9_", &a, &b, &c);
  if (!first) die("libprocess had been initialized before");
}

void spawn(void* process, bool manage, Room* upid)
{
  call<void, void*, void*, bool>(
      "_ZN7process5spawnEPNS_11ProcessBaseEb", upid, virtualBase(process), manage);
}

void spawnVersionEndpoint()
{
  void* version = block();
  Room upid;
  call<void, void*>("_ZN5mesos8internal14VersionProcessC1Ev", version);
  spawn(version, false, &upid);
}

void waitFor(Room* upid)
{
  call<bool, void*, const Duration*>("_ZN7process4waitERKNS_4UPIDERK8Duration", upid, &FOREVER);
}

OptPointer createAuthorizer(void* flags)
{
  string unused;
  if (!given("acls", &unused)) return OptPointer();
  void* acls = findMember(flags, 1 << 16, "_ZTVN5mesos4ACLsE");
  if (acls == nullptr) die("no ACLs in the flags");
  Room room;
  call<void, void*, void*>("_ZN5mesos10Authorizer6createERKNS_4ACLsE", &room, acls);
  void* authorizer = pointer(room, "authorizer");

  // The library's own endpoints (/logging, /profiler ...) ask it too. The namespace came later.
  const char NEW[] =
    "_ZN5mesos13authorization28createAuthorizationCallbacksB5cxx11EPNS_10AuthorizerE";
  const char OLD[] = "_ZN5mesos28createAuthorizationCallbacksB5cxx11EPNS_10AuthorizerE";
  Room callbacks;
  call<void, void*, void*>(has(NEW) ? NEW : OLD, &callbacks, authorizer);
  call<void, void*>(
      "_ZN7process4http13authorization12setCallbacksERK7hashmapI" STRING_
      "St8functionIFNS_6FutureIbEENS0_7RequestE6OptionINS0_14authentication"
      "9PrincipalEEEESt4hashIS8_ESt8equal_toIS8_EE",
      &callbacks);
  return OptPointer(authorizer);
}

void* createFiles(const char* realm, const OptPointer& authorizer)
{
  void* files = block();
  OptString name{string(realm)};
  call<void, void*, const OptString*, const OptPointer*>(
      "_ZN5mesos8internal5FilesC1ERK6OptionI" STRING_ "ERKS2_IPNS_10AuthorizerEE",
      files, &name, &authorizer);
  return files;
}

namespace {

void* createElection(const char* name, const OptString& url)
{
  const Opt<Duration> timeout(duration("zk_session_timeout", "10secs"));
  Room room;
  OptString noModule;
  call<void, void*, const OptString*, const OptString*, const Opt<Duration>*>(
      name, &room, &url, &noModule, &timeout);
  return pointer(room, "master election");
}

}  // namespace

void* createDetector(const OptString& url)
{
  return createElection(
      "_ZN5mesos6master8detector14MasterDetector6createERK6OptionI" STRING_ "ESC_RKS3_I8DurationE",
      url);
}

void* createContender(const OptString& url)
{
  return createElection(
      "_ZN5mesos6master9contender15MasterContender6createERK6OptionI" STRING_ "ESC_RKS3_I8DurationE",
      url);
}
