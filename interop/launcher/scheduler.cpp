// A framework on the C++ driver, steered by lines: the reference that our own driver is held against.
//
//   realmesos scheduler MASTER FRAMEWORK-INFO IMPLICIT-ACKS [CREDENTIAL]
//
// Every message is base64 of v0 protobuf. Each callback prints one line, `name message...`; each line
// of standard input calls one method of the driver, `method message...`, see `obey`.

#include <unistd.h>

#include <iostream>
#include <mutex>
#include <sstream>
#include <vector>

#include "allocation.hpp"
#include "commands.hpp"
#include "library.hpp"

namespace {

// ---- base64 and messages -----------------------------------------------------

const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

string encode(const string& data)
{
  string text;
  for (size_t i = 0; i < data.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; j++) {
      bits = bits << 8 | (i + j < data.size() ? static_cast<unsigned char>(data[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; j++) {
      text += i + j > data.size() ? '=' : DIGITS[bits >> (18 - 6 * j) & 63];
    }
  }
  return text.empty() ? "=" : text;  // a word of its own, also for nothing
}

string decode(const string& text)
{
  string data;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const char* place = strchr(DIGITS, c);
    if (c == '=' || place == nullptr) break;
    bits = bits << 6 | static_cast<uint32_t>(place - DIGITS);
    if (++count % 4 != 1) data += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 255);
  }
  return data;
}

string serialize(const void* message)
{
  string data;
  call<bool, const void*, string*>(
      "_ZNK6google8protobuf11MessageLite24SerializePartialToStringEPNSt7__cxx1112basic_stringIcSt11"
      "char_traitsIcESaIcEEE", message, &data);
  return data;
}

// "mesos::TaskInfo" by its mangled part, "8TaskInfo".
void construct(const char* type, void* place)
{
  call<void, void*>((string("_ZN5mesos") + type + "C1Ev").c_str(), place);
}

size_t sizeOf(const char* type)
{
  void* prototype = block();
  construct(type, prototype);
  size_t size = 0;
  watchAllocation(&size);
  using New = void* (*)(const void*);
  (*static_cast<New**>(prototype))[3](prototype);  // after two destructors and GetTypeName
  return size;
}

void* parse(const char* type, const string& text, void* place = nullptr)
{
  void* message = place == nullptr ? block() : place;
  construct(type, message);
  const string data = decode(text);
  call<bool, void*, const string*>(
      "_ZN6google8protobuf11MessageLite22ParsePartialFromStringERK" STRING_, message, &data);
  return message;
}

// The bytes of a std::vector of messages.
struct Vector
{
  char* begin;
  char* end;
  char* capacity;
};

Vector vectorOf(const char* type, const std::vector<string>& texts)
{
  const size_t size = sizeOf(type);
  char* begin = static_cast<char*>(block(size * texts.size() + 1));
  for (size_t i = 0; i < texts.size(); i++) parse(type, texts[i], begin + i * size);
  char* end = begin + size * texts.size();
  return Vector{begin, end, end};
}

// ---- callbacks -----------------------------------------------------------------

std::mutex output;

void say(const string& line)
{
  std::lock_guard<std::mutex> lock(output);
  std::cout << line << std::endl;
}

string word(const void* message) { return " " + encode(serialize(message)); }

// Laid out as mesos::Scheduler: the same virtual functions in the same order.
class Bridge
{
public:
  virtual ~Bridge() {}
  virtual void registered(void*, const void* id, const void* master)
  {
    say("registered" + word(id) + word(master));
  }
  virtual void reregistered(void*, const void* master) { say("reregistered" + word(master)); }
  virtual void disconnected(void*) { say("disconnected"); }
  virtual void resourceOffers(void*, const Vector& offers)
  {
    static const size_t size = sizeOf("5Offer");
    string line = "resourceOffers";
    for (char* p = offers.begin; p < offers.end; p += size) line += word(p);
    say(line);
  }
  virtual void offerRescinded(void*, const void* offer) { say("offerRescinded" + word(offer)); }
  virtual void statusUpdate(void*, const void* status) { say("statusUpdate" + word(status)); }
  virtual void frameworkMessage(void*, const void* executor, const void* agent, const string& data)
  {
    say("frameworkMessage" + word(executor) + word(agent) + " " + encode(data));
  }
  virtual void slaveLost(void*, const void* agent) { say("slaveLost" + word(agent)); }
  virtual void executorLost(void*, const void* executor, const void* agent, int status)
  {
    say("executorLost" + word(executor) + word(agent) + " " + std::to_string(status));
  }
  virtual void error(void*, const string& message) { say("error " + encode(message)); }
};

// ---- the driver ----------------------------------------------------------------

#define DRIVER "_ZN5mesos20MesosSchedulerDriver"

// Calls one method of the driver; false for a line that means none.
bool obey(void* driver, const string& method, const std::vector<string>& words)
{
  auto one = [&](size_t i, const char* type) {
    return parse(type, i < words.size() ? words[i] : "=");
  };
  auto rest = [&](size_t i) { return std::vector<string>(words.begin() + i, words.end()); };
  if (method == "accept" && words.size() >= 2) {  // offer filters operation...
    Vector offers = vectorOf("7OfferID", {words[0]});
    Vector operations = vectorOf("15Offer_Operation", rest(2));
    call<int, void*, void*, void*, void*>(
        DRIVER "12acceptOffersERKSt6vectorINS_7OfferIDESaIS2_EERKS1_INS_15Offer_OperationESaIS7_"
        "EERKNS_7FiltersE", driver, &offers, &operations, one(1, "7Filters"));
  } else if (method == "launch" && words.size() >= 2) {  // offer filters task...
    Vector offers = vectorOf("7OfferID", {words[0]});
    Vector tasks = vectorOf("8TaskInfo", rest(2));
    call<int, void*, void*, void*, void*>(
        DRIVER "11launchTasksERKSt6vectorINS_7OfferIDESaIS2_EERKS1_INS_8TaskInfoESaIS7_EERKNS_7Fi"
        "ltersE", driver, &offers, &tasks, one(1, "7Filters"));
  } else if (method == "decline") {  // offer filters
    call<int, void*, void*, void*>(
        DRIVER "12declineOfferERKNS_7OfferIDERKNS_7FiltersE",
        driver, one(0, "7OfferID"), one(1, "7Filters"));
  } else if (method == "kill") {  // task
    call<int, void*, void*>(DRIVER "8killTaskERKNS_6TaskIDE", driver, one(0, "6TaskID"));
  } else if (method == "acknowledge") {  // status
    call<int, void*, void*>(
        DRIVER "23acknowledgeStatusUpdateERKNS_10TaskStatusE", driver, one(0, "10TaskStatus"));
  } else if (method == "reconcile") {  // status...
    Vector statuses = vectorOf("10TaskStatus", rest(0));
    call<int, void*, void*>(
        DRIVER "14reconcileTasksERKSt6vectorINS_10TaskStatusESaIS2_EE", driver, &statuses);
  } else if (method == "request") {  // request...
    Vector requests = vectorOf("7Request", rest(0));
    call<int, void*, void*>(
        DRIVER "16requestResourcesERKSt6vectorINS_7RequestESaIS2_EE", driver, &requests);
  } else if (method == "message" && words.size() == 3) {  // executor agent data
    const string data = decode(words[2]);
    call<int, void*, void*, void*, const string*>(
        DRIVER "20sendFrameworkMessageERKNS_10ExecutorIDERKNS_7SlaveIDERK" STRING_,
        driver, one(0, "10ExecutorID"), one(1, "7SlaveID"), &data);
  } else if (method == "revive" || method == "suppress") {
    call<int, void*>(
        method == "revive" ? DRIVER "12reviveOffersEv" : DRIVER "14suppressOffersEv", driver);
  } else if (method == "stop" || method == "failover") {
    call<int, void*, bool>(DRIVER "4stopEb", driver, method == "failover");
  } else if (method == "abort") {
    call<int, void*>(DRIVER "5abortEv", driver);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int runScheduler(int argc, char** argv)
{
  if (argc < 4) die("usage: realmesos scheduler MASTER FRAMEWORK-INFO IMPLICIT-ACKS [CREDENTIAL]");
  const string master = argv[1];
  void* info = parse("13FrameworkInfo", argv[2]);
  const bool implicit = strcmp(argv[3], "1") == 0;
  Bridge bridge;
  void* driver = block();
  if (argc > 4) {
    call<void, void*, void*, void*, const string*, bool, void*>(
        DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" STRING_ "bRKNS_10CredentialE",
        driver, &bridge, info, &master, implicit, parse("10Credential", argv[4]));
  } else {
    call<void, void*, void*, void*, const string*, bool>(
        DRIVER "C1EPNS_9SchedulerERKNS_13FrameworkInfoERK" STRING_ "b",
        driver, &bridge, info, &master, implicit);
  }
  call<int, void*>(DRIVER "5startEv", driver);
  say("started");

  string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    string method, text;
    words >> method;
    std::vector<string> rest;
    while (words >> text) rest.push_back(text);
    if (!obey(driver, method, rest)) die("no such method: " + line);
    if (method == "stop" || method == "failover" || method == "abort") break;
  }
  const int status = call<int, void*>(DRIVER "4joinEv", driver);
  say("ended " + std::to_string(status));
  _exit(0);  // the library's own threads end with the process
}
