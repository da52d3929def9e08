// The flags of `thaw sources create`. Used by worker_command_table.cc and sources_commands.cc only.
// Thread: any. Owner: constant data. Limits: none.
#pragma once

#include "cli/command.h"

namespace thaw::cli {

inline constexpr Flag kSourceFlags[] = {
    {.name = "service",
     .value = "NAME",
     .help = "Who gets the entries. Required.",
     .completes = Completes::kService},
    {.name = "redis-address",
     .value = "IP:PORT",
     .help = "Where Redis is; 127.0.0.1:6379 if not given."},
    {.name = "stream", .value = "STREAM", .help = "The stream to read. Required."},
    {.name = "group", .value = "GROUP", .help = "The consumer group; thaw if not given."},
    {.name = "path", .value = "PATH", .help = "Where to POST; / if not given."},
    {.name = "format",
     .value = "FORMAT",
     .help = "cloudevents (the default) or pubsub, the envelope of a push subscription.",
     .choices = "cloudevents|pubsub"},
    {.name = "batch",
     .value = "N",
     .help = "Entries in one request, at most; 1 if not given. More make a CloudEvents batch."},
    {.name = "max-in-flight", .value = "N", .help = "Requests at once; 16 if not given."},
    {.name = "max-attempts",
     .value = "N",
     .help = "After so many an entry goes to the dead-letter stream; 5 if not given."},
    {.name = "dead-letter-stream",
     .value = "STREAM",
     .help = "Where entries go that are given up; without, they are tried for ever."},
    {.name = "ordering-field",
     .value = "FIELD",
     .help = "Entries with the same value of this field are delivered one after another."},
    {.name = "data-field",
     .value = "FIELD",
     .help = "The field that is the request's body; all fields as JSON if not given."},
    {.name = "data-content-type", .value = "TYPE", .help = "The content type of --data-field."},
    {.name = "min-backoff",
     .value = "TIME",
     .help = "Before the second attempt, doubling from there; 100ms if not given."},
    {.name = "max-backoff", .value = "TIME", .help = "At most so long; 60s if not given."},
    {.name = "timeout",
     .value = "TIME",
     .help = "Of one request, the wait for an instance included; 300s if not given."},
    {.name = "claim-after",
     .value = "TIME",
     .help = "A consumer that touched an entry so long ago is taken for dead; 10m if not given."},
    {.name = "redis-user", .value = "NAME", .help = "The Redis user, if not the default one."},
    {.name = "redis-database", .value = "N", .help = "The number of the database; 0 if not given."},
    {.name = "redis-password-file",
     .value = "FILE",
     .help = "An absolute path, read by the platform at each connection.",
     .completes = Completes::kFile},
    {.name = "redis-password-env",
     .value = "NAME",
     .help = "A variable of the platform's own environment."},
};

}  // namespace thaw::cli
