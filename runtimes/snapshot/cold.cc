// How thaw-restore gives up: the program's own command, in the same process.
#include "restore.h"

#include <initializer_list>

extern "C" void* memset(void* to, int byte, size_t size) {
  for (size_t at = 0; at < size; ++at) static_cast<char*>(to)[at] = static_cast<char>(byte);
  return to;
}
extern "C" void* memcpy(void* to, const void* from, size_t size) {
  for (size_t at = 0; at < size; ++at)
    static_cast<char*>(to)[at] = static_cast<const char*>(from)[at];
  return to;
}

namespace thaw::snapshot {
namespace {

constexpr char kMostTries = '8';
char path[4096];

void execute(const char* program, char** words) {
  (void)call(SYS_execve, address(program), address(words), address(state.environment));
}

}  // namespace

void say(const char* a, const char* b, const char* c) {
  char line[512];
  size_t used = 0;
  for (const char* part : {"thaw-restore: ", a, b, c, "\n"}) {
    for (; *part != 0 && used + 1 < sizeof line; ++part) line[used++] = *part;
  }
  line[used - 1] = '\n';
  (void)call(SYS_write, 2, address(line), used);
}

void cold(const char* why, const char* about) {
  say("cold: ", why, about);
  const uint64_t none = 0;
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&none), 0, 8);
  char** words = state.words + 3;
  bool has_slash = false;
  for (const char* at = words[0]; *at != 0; ++at) has_slash = has_slash || *at == '/';
  if (has_slash) {
    execute(words[0], words);
  } else {
    const char* folders = "/usr/local/bin:/usr/bin:/bin";
    for (char** at = state.environment; *at != nullptr; ++at) {
      if (begins(*at, "PATH=")) folders = *at + 5;
    }
    while (*folders != 0) {
      size_t used = 0;
      for (; *folders != 0 && *folders != ':'; ++folders) {
        if (used < sizeof path - 1) path[used++] = *folders;
      }
      if (*folders == ':') ++folders;
      const size_t size = length(words[0]) + 1;
      if (used + 1 + size > sizeof path) continue;
      path[used++] = '/';
      memcpy(path + used, words[0], size);
      execute(path, words);
    }
  }
  say("cannot execute ", words[0]);
  call(SYS_exit_group, 127);
  __builtin_unreachable();
}

void again() {
  char* tries = state.words[2];
  if (tries[0] >= kMostTries || tries[1] != 0) cold("its addresses are taken");
  ++tries[0];
  execute("/proc/self/exe", state.words);
  cold("it cannot be executed again");
}

}  // namespace thaw::snapshot
