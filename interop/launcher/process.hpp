// libprocess, and the parts that a master and an agent share.

#pragma once

#include "library.hpp"

struct Authentication { string scheme, credentials; };

void startLibprocess(
    const char* defaultPort,
    const string& delegate,
    const string& readwriteRealm,
    const string& readonlyRealm);

// process::spawn; the returned UPID stays in `upid`.
void spawn(void* process, bool manage, Room* upid);

void spawnVersionEndpoint();
void waitFor(Room* upid);

// Option<Authorizer*> from --acls, which the loaded flags hold as a message.
OptPointer createAuthorizer(void* flags);

void* createFiles(const char* realm, const OptPointer& authorizer);

void* createDetector(const OptString& url);
void* createContender(const OptString& url);
