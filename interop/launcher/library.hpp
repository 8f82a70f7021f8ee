// The library with all of Mesos inside, entered by mangled names and without any Mesos header.
//
// Objects live in zeroed blocks that are larger than needed and are never freed. Only the few
// layouts below are assumed (x86-64, libstdc++'s new ABI): Option<T> is {int state (0 = set); T},
// Try<T> is {Option<T>, Option<string>}, Duration is one int64 of nanoseconds.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <new>
#include <string>

using std::string;

[[noreturn]] void die(const string& message);

// ---- layouts ---------------------------------------------------------------

template <typename T>
struct Opt
{
  Opt() : state(1) { memset(&raw, 0, sizeof raw); }
  Opt(const T& t) : state(0) { new (&raw) T(t); }
  int state;
  alignas(8) char raw[sizeof(T)];
};

using OptString = Opt<string>;
using OptPointer = Opt<void*>;
struct Duration { int64_t ns; };
const Duration FOREVER = {-1000000000};

// A returned object that is larger than two registers or has a destructor comes back through a
// hidden first argument; this is room for any of them.
struct alignas(16) Room
{
  Room() { memset(bytes, 0, sizeof bytes); }
  bool failed() const { return *reinterpret_cast<const int*>(bytes) != 0; }
  template <typename T>
  const T& at(size_t offset) const { return *reinterpret_cast<const T*>(bytes + offset); }
  char bytes[4096];
};

void* block(size_t size = 1 << 16);

// Result of a function that returns Try<Pointer>.
void* pointer(const Room& room, const string& what);

// Address of the virtual base whose offset is in this slot of the vtable (-3 is the first one).
void* virtualBase(void* object, int slot = -3);

// ---- symbols ---------------------------------------------------------------

// Opens REALMESOS_LIBRARY, or libmesos.so beside this program.
void openLibrary();

bool has(const char* name);
void* symbol(const char* name);

template <typename R = void, typename... A>
R call(const char* name, A... args)
{
  return reinterpret_cast<R (*)(A...)>(symbol(name))(args...);
}

void setVtable(void* object, const char* name);

// A protobuf message that is a member of an object, found by its vtable pointer (null when there is
// none, e.g. in an Option that is not set).
void* findMember(void* object, size_t size, const char* vtable);

#define STRING_ "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
