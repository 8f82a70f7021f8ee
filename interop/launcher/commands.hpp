// What this program can be: one function each, called after the library is open and the flags are
// set (but for the containerizer, which has flags of its own).

#pragma once

int runMaster();
int runAgent();
int runScheduler(int argc, char** argv);
int runContainerizer(int argc, char** argv);
int runSwitchboard();
