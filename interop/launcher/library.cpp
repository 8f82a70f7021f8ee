#include "library.hpp"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace {

void* library;

}  // namespace

void die(const string& message)
{
  fprintf(stderr, "realmesos: %s\n", message.c_str());
  exit(1);
}

void* block(size_t size)
{
  void* p = calloc(1, size);
  if (p == nullptr) die("out of memory");
  return p;
}

void* pointer(const Room& room, const string& what)
{
  if (room.failed()) die(what + ": " + room.at<string>(24));
  return room.at<void*>(8);
}

void* virtualBase(void* object, int slot)
{
  const ptrdiff_t* vtable = *reinterpret_cast<ptrdiff_t**>(object);
  return static_cast<char*>(object) + vtable[slot];
}

void openLibrary()
{
  string path;
  if (const char* env = getenv("REALMESOS_LIBRARY")) {
    path = env;
  } else {
    char self[PATH_MAX + 1] = {};
    if (readlink("/proc/self/exe", self, PATH_MAX) < 0) die("no /proc/self/exe");
    path = string(dirname(self)) + "/libmesos.so";
  }
  // Lazily: functions that OpenSSL 3 lost are never called.
  library = dlopen(path.c_str(), RTLD_LAZY | RTLD_GLOBAL);
  if (library == nullptr) die(dlerror());
}

bool has(const char* name)
{
  return dlsym(library, name) != nullptr;
}

void* symbol(const char* name)
{
  void* p = dlsym(library, name);
  if (p == nullptr) die(string("the library lacks ") + name);
  return p;
}

void setVtable(void* object, const char* name)
{
  *reinterpret_cast<void**>(object) = static_cast<char*>(symbol(name)) + 16;
}

void* findMember(void* object, size_t size, const char* vtable)
{
  void* wanted = static_cast<char*>(symbol(vtable)) + 16;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    char* p = static_cast<char*>(object) + i;
    if (*reinterpret_cast<void**>(p) == wanted) return p;
  }
  return nullptr;
}
