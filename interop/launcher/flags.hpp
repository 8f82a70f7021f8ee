// Flags: all are Mesos' own, from the command line or MESOS_<FLAG> in the environment. The few that
// this program must know itself are read a second time here.

#pragma once

#include "library.hpp"

extern int flagc;
extern char** flagv;

// The value of a flag, if it is given.
bool given(const string& name, string* value);

string flag(const string& name, const string& otherwise = "");
OptString optFlag(const string& name);

// --zk and --master may name a file that holds the value.
OptString urlFlag(const string& name);

Duration duration(const string& name, const string& otherwise);
bool truth(const string& value);
string readFile(const string& path);
void makeDirectories(const string& path);

void loadFlags(void* base, const char* prefix, bool unknowns, int argc, char** argv);

// Loads the flags of a daemon, then starts its log. Answers --help.
void* daemonFlags(const char* constructor, const char* name);

// `logging` is an Option<logging::Flags>.
void startLog(const string& name, bool signals, void* logging);
