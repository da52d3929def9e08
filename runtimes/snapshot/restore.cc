// thaw-restore IMAGE TRIES PROGRAM [ARGUMENT...]: becomes the process that IMAGE holds.
//
// When IMAGE does not fit (another kernel or processor, a file that has changed, damage), PROGRAM
// is executed instead, in the same process: "started cold". Either is said in one line on stderr.
// Freestanding and linked where no process has memory, so that nothing of it is in the way of what
// it restores; it has the rights of who runs it and needs none beyond. See
// docs/formats/snapshot.md.
#include "restore.h"

#include <fcntl.h>
#include <sys/prctl.h>

namespace thaw::snapshot {

constinit State state{};
char maps[64 << 10];

namespace {

void clear_the_way() {
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    const Region& region = state.regions[number];
    if (state.stack.overlaps(region.start, region.start + region.length)) again();
  }
  if (state.stack.overlaps(state.header.vvar, state.header.vdso + state.header.vdso_length))
    again();
}

/// The kernel allows each of its mappings to be moved as a whole.
void move_vdso(uint64_t from, uint64_t to) {
  const char* at = maps;
  while (*at != 0) {
    const uint64_t start = hex(at);
    ++at;
    const uint64_t end = hex(at);
    while (*at != 0 && *at != '\n' && *at != '[') ++at;
    if (begins(at, "[vvar") || begins(at, "[vdso]")) {
      const uint64_t offset = start - state.vvar.start;
      const long moved = call(SYS_mremap, from + offset, end - start, end - start,
                              MREMAP_MAYMOVE | MREMAP_FIXED, to + offset);
      if (failed(moved)) cold("the kernel does not let its pages of the clock be moved");
    }
    while (*at != 0 && *at++ != '\n') {
    }
  }
}

void advise(const Region& region) {
  if ((region.advice & kDontFork) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_DONTFORK);
  if ((region.advice & kWipeOnFork) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_WIPEONFORK);
  if ((region.advice & kDontDump) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_DONTDUMP);
}

/// The pages of a region that the image holds, from `span` on; returns the next region's first.
uint32_t map_spans(const Region& region, uint32_t number, uint32_t span, uint64_t how) {
  for (; span < state.header.spans && state.spans[span].region == number; ++span) {
    const Span& pages = state.spans[span];
    const long mapped = call(SYS_mmap, pages.start, pages.length, region.protection,
                             MAP_PRIVATE | how, static_cast<uint64_t>(state.image), pages.offset);
    if (mapped == -17 /* EEXIST */) again();
    if (failed(mapped)) cold("the snapshot's pages cannot be mapped");
  }
  return span;
}

void map_regions() {
  int32_t open = -1;
  long descriptor = -1;
  uint32_t span = 0;
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    const Region& region = state.regions[number];
    const bool has_file = region.file >= 0;
    if (has_file && region.file != open) {
      if (open >= 0) (void)call(SYS_close, static_cast<uint64_t>(descriptor));
      const File& file = state.files[region.file];
      open = region.file;
      descriptor = call(SYS_open, address(path_of(file)), O_RDONLY | O_CLOEXEC);
      struct stat facts;
      if (failed(descriptor) ||
          failed(call(SYS_fstat, static_cast<uint64_t>(descriptor), address(&facts))))
        cold("stale: this file is gone: ", path_of(file));
      compare(file, facts);
    }
    const bool is_whole = span < state.header.spans && state.spans[span].region == number &&
                          state.spans[span].length == region.length;
    if (!is_whole) {
      const uint64_t flags = has_file ? 0 : MAP_ANONYMOUS | MAP_NORESERVE;
      const long mapped =
          call(SYS_mmap, region.start, region.length, region.protection,
               region.flags | MAP_FIXED_NOREPLACE | flags,
               has_file ? static_cast<uint64_t>(descriptor) : ~0ULL, has_file ? region.offset : 0);
      if (mapped == -17 /* EEXIST */) again();
      if (failed(mapped) || static_cast<uint64_t>(mapped) != region.start)
        cold("memory cannot be mapped: ", has_file ? path_of(state.files[region.file]) : "");
    }
    span = map_spans(region, number, span, is_whole ? MAP_FIXED_NOREPLACE : MAP_FIXED);
    if (region.advice != 0) advise(region);
  }
  if (open >= 0) (void)call(SYS_close, static_cast<uint64_t>(descriptor));
}

/// The command line and environment that /proc shows are this process's own, from PROGRAM on.
void tell_places() {
  struct {
    Places places;
    uint64_t arg_start, arg_end, env_start, env_end, auxv;
    uint32_t auxv_size, exe_fd;
  } map = {state.header.places, address(state.words[3]), 0, 0, 0, 0, 0, ~0U};
  map.arg_end = map.arg_start;
  for (char** word = state.words + 3; *word != nullptr; ++word)
    map.arg_end = address(*word) + length(*word) + 1;
  map.env_start = map.env_end = map.arg_end;
  for (char** word = state.environment; *word != nullptr; ++word)
    map.env_end = address(*word) + length(*word) + 1;
  const long told = call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, address(&map), sizeof map, 0);
  if (failed(told)) cold("the kernel cannot be told where its heap is");
}

void restore_signals(const Point& point) {
  for (uint64_t number = 1; number <= kSignals; ++number) {
    if (number != 9 && number != 19)
      (void)call(SYS_rt_sigaction, number, address(&point.actions[number - 1]), 0, 8);
  }
  const struct {
    uint64_t pointer;
    uint32_t flags, unused;
    uint64_t size;
  } stack = {point.alternate_stack, static_cast<uint32_t>(point.alternate_flags), 0,
             point.alternate_size};
  (void)call(SYS_sigaltstack, address(&stack), 0);
}

void restore_thread(const Point& point) {
  (void)call(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, point.fs_base);
  const long id = call(SYS_set_tid_address, point.tid_address);
  *reinterpret_cast<volatile int*>(point.tid_address) = static_cast<int>(id);
  (void)call(SYS_set_robust_list, point.robust_list, point.robust_length);
  if (point.rseq == 0) return;
  volatile auto* words = reinterpret_cast<volatile uint32_t*>(point.rseq);
  for (uint64_t at = 0; at < point.rseq_length / 4; ++at) words[at] = 0;
  words[1] = ~0U;  // cpu_id: not registered
  if (failed(call(SYS_rseq, point.rseq, point.rseq_length, 0, point.rseq_signature)))
    words[1] = ~0U - 1;  // the registration failed; libraries do without
}

[[noreturn]] void become(const Point& point) {
  asm volatile(R"(
    ldmxcsr 72(%%rdi)
    fldcw 76(%%rdi)
    movq 0(%%rdi), %%rbx
    movq 8(%%rdi), %%rbp
    movq 16(%%rdi), %%r12
    movq 24(%%rdi), %%r13
    movq 32(%%rdi), %%r14
    movq 40(%%rdi), %%r15
    movq 48(%%rdi), %%rsp
    movl $1, %%eax
    cld
    jmp *56(%%rdi)
  )" ::"D"(&point)
               : "memory");
  __builtin_unreachable();
}

}  // namespace
}  // namespace thaw::snapshot

extern "C" [[noreturn]] void thaw_restore(uint64_t* stack) {
  using namespace thaw::snapshot;
  state.words = reinterpret_cast<char**>(stack + 1);
  state.environment = state.words + stack[0] + 1;
  if (stack[0] < 4) {
    say("usage: thaw-restore IMAGE TRIES PROGRAM [ARGUMENT...]");
    call(SYS_exit_group, 2);
  }
  const uint64_t all = ~0ULL;
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&all), 0, 8);
  look_at_own_memory();
  read_header();
  check_machine();
  check_tables();
  check_files();
  clear_the_way();
  move_vdso(state.vvar.start, kVdsoAt);
  map_regions();
  move_vdso(kVdsoAt, state.header.vvar);
  tell_places();
  (void)call(SYS_prctl, PR_SET_NAME, address(state.header.comm));
  say("restored");
  (void)call(SYS_close, static_cast<uint64_t>(state.image));
  const uint64_t size = state.header.file_size - state.header.tables;
  (void)call(SYS_munmap, kTablesAt, size);
  const Point& point = state.header.point;
  restore_signals(point);
  restore_thread(point);
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&point.blocked), 0, 8);
  become(point);
}

asm(R"(
    .text
    .globl _start
_start:
    movq %rsp, %rdi
    andq $-16, %rsp
    call thaw_restore
)");
