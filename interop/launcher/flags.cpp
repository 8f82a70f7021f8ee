#include "flags.hpp"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

int flagc;
char** flagv;

bool given(const string& name, string* value)
{
  bool found = false;
  string variable = "MESOS_";
  for (char c : name) variable += static_cast<char>(toupper(c));
  if (const char* env = getenv(variable.c_str())) { *value = env; found = true; }
  for (int i = 1; i < flagc; i++) {
    const string arg = flagv[i];
    const string with = "--" + name + "=";
    if (arg.compare(0, with.size(), with) == 0) {
      *value = arg.substr(with.size());
      found = true;
    } else if (arg == "--" + name || arg == "--no-" + name) {
      *value = arg == "--" + name ? "true" : "false";
      found = true;
    }
  }
  return found;
}

string flag(const string& name, const string& otherwise)
{
  string value;
  return given(name, &value) ? value : otherwise;
}

OptString optFlag(const string& name)
{
  string value;
  return given(name, &value) ? OptString(value) : OptString();
}

bool truth(const string& value) { return value == "true" || value == "1"; }

string readFile(const string& path)
{
  std::ifstream in(path);
  if (!in) die("cannot read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void makeDirectories(const string& path)
{
  for (size_t end = path.find('/', 1); ; end = path.find('/', end + 1)) {
    const string part = path.substr(0, end);
    if (mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) {
      die("cannot create " + part + ": " + strerror(errno));
    }
    if (end == string::npos) return;
  }
}

OptString urlFlag(const string& name)
{
  string value;
  if (!given(name, &value)) return OptString();
  if (value.compare(0, 7, "file://") == 0) value = readFile(value.substr(7));
  while (!value.empty() && isspace(value.back())) value.pop_back();
  return OptString(value);
}

Duration duration(const string& name, const string& otherwise)
{
  const string text = flag(name, otherwise);
  Room room;
  call<void, void*, const string*>("_ZN8Duration5parseERK" STRING_, &room, &text);
  if (room.failed()) die("bad --" + name);
  return room.at<Duration>(8);
}

void loadFlags(void* base, const char* prefix, bool unknowns, int argc, char** argv)
{
  OptString opt = prefix == nullptr ? OptString() : OptString(string(prefix));
  Room room;
  call<void, void*, void*, const OptString*, int, char**, bool, bool>(
      "_ZN5flags9FlagsBase4loadERK6OptionI" STRING_ "EiPKPKcbb",
      &room, base, &opt, argc, argv, unknowns, false);
  if (room.failed()) die(room.at<string>(40));
}

// `logging` is an Option<logging::Flags>; early releases took the flags themselves.
void startLog(const string& name, bool signals, void* logging)
{
  const char NEW[] =
    "_ZN5mesos8internal7logging10initializeERK" STRING_ "bRK6OptionINS1_5FlagsEE";
  const char OLD[] = "_ZN5mesos8internal7logging10initializeERK" STRING_ "RKNS1_5FlagsEb";
  if (has(NEW)) {
    call<void, const string*, bool, void*>(NEW, &name, signals, logging);
  } else {
    call<void, const string*, void*, bool>(
        OLD, &name, static_cast<char*>(logging) + 8, signals);
  }
}

// The daemon's flags derive virtually from logging::Flags, and that from flags::FlagsBase, whose
// offset is in the slot -4 of the former's vtable and in the slot -3 of the latter's.
void* daemonFlags(const char* constructor, const char* name)
{
  void* flags = block();
  call<void, void*>(constructor, flags);
  for (int i = 1; i < flagc; i++) {
    if (strcmp(flagv[i], "--help") == 0) {
      Room room;
      OptString none;
      call<void, void*, void*, const OptString*>(
          "_ZNK5flags9FlagsBase5usageERK6OptionI" STRING_ "E",
          &room, virtualBase(flags, -4), &none);
      puts(room.at<string>(0).c_str());
      exit(0);
    }
  }
  loadFlags(virtualBase(flags, -4), "MESOS_", false, flagc, flagv);

  char* logging = static_cast<char*>(block());  // Option<logging::Flags>, set
  call<void, void*>("_ZN5mesos8internal7logging5FlagsC1Ev", logging + 8);
  loadFlags(virtualBase(logging + 8), "MESOS_", true, flagc, flagv);
  startLog(name, true, logging);
  return flags;
}
